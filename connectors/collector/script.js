// intentd's own tracker: page views, clicks with their text, forms without their values, and the time spent on a page.
// Before intentd.consent(true), or data-consent="granted" on its tag, it stores nothing on the device and sends nothing.
((w, d) => {
  let tag = d.currentScript, queue = [], id, here, since, timer
  let random = () => crypto.getRandomValues(new Uint32Array(4)).join('')
  // The visitor's id: kept with a value, dropped with ''.
  let keep = value => {
    try {
      let s = localStorage
      value && s.setItem('intentd', value)
      value === '' && s.removeItem('intentd')
      return s.getItem('intentd')
    } catch { return value }
  }
  let flush = () => {
    let batch = queue.splice(0, 50)
    timer = clearTimeout(timer)
    batch[0] && fetch(new URL('v1/batch', tag.src), { method: 'POST', keepalive: true, body: JSON.stringify({ writeKey: tag.dataset.key, sentAt: new Date, batch }) })
      .then(r => { if (r.status == 429 || r.status > 499) throw r })
      .catch(() => { queue = batch.concat(queue).slice(0, 200) })
  }
  let add = (type, more, analytics = true) => {
    if (!id) return
    queue.push({ type, messageId: random(), anonymousId: id, timestamp: new Date, context: { page: here, consent: { categoryPreferences: { analytics } } }, ...more })
    timer ||= setTimeout(flush, 1e3)
  }
  let track = (event, properties, analytics) => add('track', { event, properties }, analytics)
  let leave = () => {
    let seconds = Math.round((Date.now() - since) / 1e3)
    since && seconds && track('dwell', { seconds })
    since = 0
  }
  let page = () => {
    leave()
    here = { url: location.href, title: d.title, referrer: d.referrer }
    since = Date.now()
    add('page')
  }
  let consent = yes => {
    if (yes && !id) {
      id = keep(random())
      track('consent')
      page()
    } else if (!yes && id) {
      track('consent', {}, false)
      flush()
      id = keep('')
    }
  }
  let on = (name, f) => d.addEventListener(name, f, true)
  on('click', e => {
    let t = e.target.closest('a,button,[role=button],[type=submit]')
    t && track('click', { element_text: (t.innerText || t.value || '').trim().slice(0, 99), element_id: t.id, href: t.href })
  })
  on('submit', e => {
    let a = n => e.target.getAttribute(n)
    track('form_submit', { form: a('name') || a('id') || a('aria-label') })
    flush()
  })
  on('visibilitychange', () => {
    if (!d.hidden) return since = Date.now()
    leave()
    flush()
  })
  let push = history.pushState
  history.pushState = function () {
    push.apply(this, arguments)
    setTimeout(page)
  }
  w.addEventListener('popstate', page)
  w.intentd = { consent, track, identify: traits => add('identify', { traits }), id: () => id }
  id = keep()
  id ? page() : tag.dataset.consent && consent(true)
})(window, document)
