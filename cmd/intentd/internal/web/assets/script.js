// Every page can be read without this file.
'use strict';

// A sentence lights up the events it rests on, and an event the sentences that rest on it.
const sentences = [...document.querySelectorAll('.cite')];
const on = s => s.dataset.on.split(' ').filter(Boolean);
const watch = (node, what) => {
  for (const type of ['pointerenter', 'focusin']) node.addEventListener(type, () => what(true));
  for (const type of ['pointerleave', 'focusout']) node.addEventListener(type, () => what(false));
};
for (const s of sentences) {
  watch(s.parentNode, lit => {
    s.classList.toggle('lit', lit);
    for (const id of on(s)) document.getElementById(id)?.classList.toggle('lit', lit);
  });
}
for (const e of document.querySelectorAll('.ev')) {
  watch(e, lit => { for (const s of sentences) if (on(s).includes(e.id)) s.classList.toggle('lit', lit); });
}

// A link that signs in is opened by whoever has this page on a screen; what only fetches it spends nothing.
document.getElementById('open')?.requestSubmit();

// The lines of the tiers: what each does was counted on the server, here it is looked up.
const lines = document.getElementById('lines');
if (lines) {
  const at = Object.fromEntries(['high', 'become', 'up'].map(k => [k, lines.dataset[k].split(',').map(Number)]));
  const people = Number(lines.dataset.people), was = Number(lines.dataset.now);
  const lang = document.documentElement.lang;
  const high = lines.elements.high, medium = lines.elements.medium, step = Number(high.step);
  const show = moved => {
    if (Number(medium.value) >= Number(high.value)) {
      if (moved === high) medium.value = Number(high.value) - step; else high.value = Number(medium.value) + step;
      if (Number(medium.value) >= Number(high.value)) medium.value = Number(high.value) - step; // at the ends
    }
    const h = Math.round(high.value * 10), m = Math.round(medium.value * 10);
    for (const [input, v] of [[high, h], [medium, m]]) {
      const line = document.getElementById('line-' + input.id);
      line.setAttribute('x1', v);
      line.setAttribute('x2', v);
      document.getElementById('at-' + input.id).value = (v / 10).toLocaleString(lang, { minimumFractionDigits: 1 });
    }
    const n = [at.become[h], was - (at.high[h] - at.become[h]), at.high[h], at.up[m] - at.high[h], people - at.up[m]];
    document.getElementById('then').textContent = lines.dataset.say.replace(/%s/g, () => n.shift().toLocaleString(lang));
  };
  for (const input of [high, medium]) input.addEventListener('input', () => show(input));
}
