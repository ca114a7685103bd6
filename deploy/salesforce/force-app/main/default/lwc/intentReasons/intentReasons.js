// What intentd's fields of a person say, taken apart for a card. Pure, and the same file in deploy/salesforce and deploy/hubspot: a test keeps them alike, and tries
// them on texts that intentd wrote.

const number = '(−?\\d+(?:[.,]\\d)?)';

/** The frame of intentd's texts by language: what lines begin with, and how the parts are written. */
const frames = {
  en: { raises: 'Raises: ', lowers: 'Lowers: ', none: 'No score: ', formula: ['How much', 'how lately', 'how strong'], learned: ['Start', 'raises', 'lowers'], cut: 'Kept within 0 and 100' },
  de: { raises: 'Dafür: ', lowers: 'Dagegen: ', none: 'Kein Wert: ', formula: ['Menge', 'Aktualität', 'Stärke'], learned: ['Anfang', 'dafür', 'dagegen'], cut: 'Zwischen 0 und 100 gehalten' },
};

/** What the card says itself. */
const words = {
  en: {
    tiers: { high: 'High', medium: 'Medium', low: 'Low', unknown: 'Unknown' },
    verdicts: { interested: 'interested', not_interested: 'not interested', not_now: 'not now', wrong_person: 'wrong person' },
    raises: 'Raises', lowers: 'Lowers', parts: 'The score', points: 'points', verdict: 'Verdict', noVerdict: 'none so far: set it in its own field',
    since: 'since {from}', until: 'until {until}, unless they do something new', over: 'was to end on {until}', none: 'intentd has not scored this person yet.',
  },
  de: {
    tiers: { high: 'Hoch', medium: 'Mittel', low: 'Niedrig', unknown: 'Unbekannt' },
    verdicts: { interested: 'interessiert', not_interested: 'kein Interesse', not_now: 'jetzt nicht', wrong_person: 'falsche Person' },
    raises: 'Dafür', lowers: 'Dagegen', parts: 'Der Wert', points: 'Punkte', verdict: 'Urteil', noVerdict: 'noch keines: im eigenen Feld zu setzen',
    since: 'seit {from}', until: 'bis {until}, wenn nichts Neues kommt', over: 'sollte am {until} enden', none: 'intentd hat diese Person noch nicht bewertet.',
  },
};

const upper = (s) => s.charAt(0).toUpperCase() + s.slice(1);
const tenths = (text) => Math.round(Number(String(text).replace('−', '-').replace(',', '.')) * 10);

/** The parts of a line of arithmetic, in tenths of a point, and their sum; null if it is none, or does not add up. */
function partsOf(line, frame) {
  let total, parts;
  const [a, b, c] = frame.formula;
  let m = line.match(new RegExp(`^${a} ${number}/${number} \\+ ${b} ${number}/${number} \\+ ${c} ${number}/${number} = ${number}, `));
  if (m) {
    total = tenths(m[7]);
    parts = frame.formula.map((name, i) => ({ name: upper(name), tenths: tenths(m[1 + 2 * i]), of: tenths(m[2 + 2 * i]) }));
  } else {
    const [start, up, down] = frame.learned;
    m = line.match(new RegExp(`^${start} ${number} \\+ ${up} ${number} − ${down} ${number}(?: ([+−]) ${number} \\([^)]*\\))? = ${number}, `));
    if (!m) return null;
    total = tenths(m[6]);
    parts = [{ name: start, tenths: tenths(m[1]) }, { name: upper(up), tenths: tenths(m[2]) }, { name: upper(down), tenths: -tenths(m[3]) }];
    if (m[4]) parts.push({ name: frame.cut, tenths: m[4] === '−' ? -tenths(m[5]) : tenths(m[5]) });
  }
  return parts.reduce((sum, p) => sum + p.tenths, 0) === total ? { parts, total } : null;
}

/**
 * The text of the reasons, taken apart: its language ('' if it is none of intentd's), what raises and lowers in words, the parts, and the lines behind them. A person
 * may have written into the field, or the field may be too short: what is not found is empty, and the line stands among the notes.
 */
export function parseReasons(text) {
  const out = { language: '', raises: '', lowers: '', parts: [], total: null, notes: [] };
  const lines = String(text || '').split(/\r?\n/).filter((l) => l.trim());
  out.language = Object.keys(frames).find((code) => lines.some((l) => l.startsWith(frames[code].raises) || l.startsWith(frames[code].none))) || '';
  const frame = frames[out.language];
  for (const line of lines) {
    const sum = frame && out.total === null ? partsOf(line, frame) : null;
    if (sum) {
      out.parts = sum.parts;
      out.total = sum.total;
    } else if (frame && !out.raises && line.startsWith(frame.raises)) {
      out.raises = line.slice(frame.raises.length);
    } else if (frame && !out.lowers && line.startsWith(frame.lowers)) {
      out.lowers = line.slice(frame.lowers.length);
    } else {
      out.notes.push(line);
    }
  }
  return out;
}

/** A moment from what a CRM tells: a day, a time, or milliseconds; null if it is none. */
function moment(value) {
  if (value === null || value === undefined || value === '') return null;
  const at = new Date(/^\d+$/.test(String(value)) ? Number(value) : value);
  return Number.isNaN(at.getTime()) ? null : at;
}

const filled = (template, values) => template.replace(/\{(\w+)\}/g, (_, key) => values[key]);

/**
 * What a card shows of a person. fields: intentd's, by canonical name (score, tier, tier_since, headline, reasons, cools_on, verdict), as the CRM has them; now: a
 * Date; locale: of the reader, for people whose texts tell no language.
 *
 * The fields tell two points of the curve, the score as it is and the day on which the tier ends, so that is what is drawn: how much of the tier's time has gone.
 */
export function cardOf(fields, now, locale = 'en') {
  const reasons = parseReasons(fields.reasons);
  const language = reasons.language || (String(locale).toLowerCase().startsWith('de') ? 'de' : 'en');
  const say = words[language];
  const point = (t) => (t / 10).toLocaleString(language, { minimumFractionDigits: 1, maximumFractionDigits: 1 }).replace('-', '−');
  const day = (at, timeZone) => at.toLocaleDateString(language === 'en' ? 'en-GB' : 'de-DE', { day: 'numeric', month: 'short', year: 'numeric', timeZone });
  const known = fields.score !== null && fields.score !== undefined && fields.score !== '';
  const score = known ? tenths(fields.score) : null;
  const from = moment(fields.tier_since);
  const until = moment(fields.cools_on);
  const card = {
    language, say, known: known || Boolean(fields.tier), score: known ? point(score) : '', tier: fields.tier || '', tierText: say.tiers[fields.tier] || fields.tier || '',
    headline: fields.headline || '', raises: reasons.raises, lowers: reasons.lowers, notes: reasons.notes, parts: [], curve: null,
    since: from ? filled(say.since, { from: day(from) }) : '',
    verdict: fields.verdict ? say.verdicts[fields.verdict] || fields.verdict : say.noVerdict,
  };
  // Parts that are of another score than the one shown (somebody holds a field) would mislead.
  if (known && reasons.total === score) {
    card.parts = reasons.parts.map((p) => ({ name: p.name, text: p.of === undefined ? point(p.tenths) : `${point(p.tenths)} / ${(p.of / 10).toLocaleString(language)}`,
      share: Math.round(Math.max(0, Math.min(1, Math.abs(p.tenths) / (p.of || 1000))) * 100) }));
  }
  if (from && until) {
    const whole = until - from;
    card.curve = { share: whole > 0 ? Math.round(Math.max(0, Math.min(1, (now - from) / whole)) * 100) : 100, text: filled(now < until ? say.until : say.over, { until: day(until, 'UTC') }) };
  }
  return card;
}
