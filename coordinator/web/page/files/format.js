// Numbers, times and sizes as people read them. What is not known is an en dash.

export const ABSENT = '–';

const minus = (text) => text.replace(/^-/, '−');
const absent = (value) => value === null || value === undefined || Number.isNaN(value);

export function fixed(value, digits = 2) {
  return absent(value) ? ABSENT : minus(value.toFixed(digits));
}
export function signed(value, digits = 2) {
  if (absent(value)) return ABSENT;
  const text = value.toFixed(digits);
  return Number(text) > 0 ? '+' + text : minus(Number(text) === 0 ? (0).toFixed(digits) : text);
}
export function count(value) {
  return absent(value) ? ABSENT : minus(Math.round(value).toLocaleString('en-US'));
}
// Some digits that count, whatever the size.
export function compact(value) {
  if (absent(value)) return ABSENT;
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e7)) return minus(value.toExponential(2));
  return minus(Number(value.toPrecision(4)).toLocaleString('en-US', {maximumFractionDigits: 6}));
}
export function percent(share) {
  if (absent(share)) return ABSENT;
  const value = share * 100;
  return `${Number(value.toPrecision(value >= 10 ? 3 : 2))} %`;
}
export function duration(seconds) {
  if (absent(seconds)) return ABSENT;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const pad = (n) => String(n).padStart(2, '0');
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${pad(whole % 60)} s`;
  if (whole < 48 * 3600) return `${Math.floor(whole / 3600)} h ${pad(Math.floor(whole % 3600 / 60))} min`;
  return `${Math.floor(whole / 86400)} d ${Math.floor(whole % 86400 / 3600)} h`;
}
export function milliseconds(seconds) {
  if (absent(seconds)) return ABSENT;
  return seconds >= 0.9995 ? `${seconds.toFixed(1)} s` : `${(1000 * seconds).toFixed(seconds < 0.0995 ? 1 : 0)} ms`;
}
export function bytes(value) {
  if (absent(value)) return ABSENT;
  if (value < 1024) return `${value} B`;
  const units = ['KiB', 'MiB', 'GiB', 'TiB'];
  let size = value;
  let unit = -1;
  do { size /= 1024; unit += 1; } while (size >= 1024 && unit < units.length - 1);
  return `${size < 10 ? size.toFixed(1) : Math.round(size)} ${units[unit]}`;
}
// "2026-03-01 12:00:05", UTC as everywhere.
export function time(iso) {
  return iso ? iso.slice(0, 19).replace('T', ' ') : ABSENT;
}
export function clock(iso) {
  return iso ? iso.slice(11, 19) : ABSENT;
}
export function secondsBetween(from, to) {
  return (Date.parse(to) - Date.parse(from)) / 1000;
}
export function ago(iso, now) {
  const seconds = secondsBetween(iso, now);
  return seconds < 5 ? 'now' : `${duration(Math.max(0, seconds)).replace(/ \d\d? (?:s|min|h)$/, '')} ago`;
}
export function plural(number, one, many = one + 's') {
  return `${count(number)} ${number === 1 ? one : many}`;
}

export const METRICS = {
  rouge1: 'ROUGE-1', rouge2: 'ROUGE-2', rougeL: 'ROUGE-L', rougeLsum: 'ROUGE-Lsum',
  validation_rouge1: 'validation ROUGE-1', validation_loss: 'validation loss', train_seconds: 'training time',
  peak_memory_bytes: 'peak memory',
};
export function metricValue(metric, value) {
  if (metric === 'train_seconds') return duration(value);
  if (metric === 'peak_memory_bytes') return bytes(value);
  if (metric === 'validation_loss') return fixed(value, 3);
  return fixed(value, 2);
}
