#!/bin/sh
set -e
if command -v systemd-sysusers >/dev/null; then
  systemd-sysusers /usr/lib/sysusers.d/intentd.conf
elif ! id intentd >/dev/null 2>&1; then
  useradd --system --home-dir /var/lib/intentd --shell /usr/sbin/nologin intentd
fi
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload
  systemctl try-restart intentd.service 'intentd@*.service' || true
fi
[ -e /etc/intentd/config.yaml ] || echo 'intentd is installed. Next: sudo intentd init -c /etc/intentd/config.yaml && sudo chown intentd: /etc/intentd/* && sudo systemctl enable --now intentd'
