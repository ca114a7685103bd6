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
