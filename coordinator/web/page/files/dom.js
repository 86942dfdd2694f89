// Elements made of names, attributes and text. Text is always text: nothing here, and nothing else of the page, makes
// markup of a string; the page's policy (Trusted Types) would refuse it.

const SVG = 'http://www.w3.org/2000/svg';

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? '' : String(value));
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

// h('a', {href: '#/', class: 'x', onclick: f}, 'text', h('b'))
export function h(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes, children);
}
export function svg(tag, attributes, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

// What would steer a terminal, or turn the direction of what stands around it, is shown as a mark.
// eslint-disable-next-line no-control-regex
const STEERING = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;
export function clean(text) {
  return String(text ?? '').replace(STEERING, '\ufffd');
}

// A name from outside: of its own direction, cut by the style where it is long, whole in its tip.
export function name(text, attributes) {
  const shown = clean(text);
  return h('bdi', {title: shown.length > 60 ? shown : undefined, ...attributes}, shown);
}

// Puts new content where old is, unless it says the same; keeps the focus and scroll positions of what has the same
// data-key.
export function replace(place, content) {
  const next = [content].flat(Infinity).filter(Boolean);
  const holder = h('div', {}, next);
  if (place.childNodes.length === holder.childNodes.length && place.innerHTML === holder.innerHTML &&
      !holder.querySelector('canvas, [data-live]')) return false;
  const focused = place.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  const open = new Set([...place.querySelectorAll('details[data-key][open]')].map((each) => each.dataset.key));
  const shut = new Set([...place.querySelectorAll('details[data-key]:not([open])')].map((each) => each.dataset.key));
  const scrolled = [...place.querySelectorAll('[data-key].scroll')].map((each) => [each.dataset.key, each.scrollLeft,
    each.scrollTop]);
  place.replaceChildren(...next);
  for (const each of place.querySelectorAll('details[data-key]')) {
    if (open.has(each.dataset.key)) each.open = true;
    if (shut.has(each.dataset.key)) each.open = false;
  }
  for (const [key, left, top] of scrolled) {
    const found = find(place, key);
    if (found) [found.scrollLeft, found.scrollTop] = [left, top];
  }
  if (focused) find(place, focused)?.focus({preventScroll: true});
  return true;
}

function find(place, key) {
  return [...place.querySelectorAll('[data-key]')].find((each) => each.dataset.key === key);
}

export function announce(text) {
  document.getElementById('announce').textContent = text;
}
