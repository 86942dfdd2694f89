// Run inside the page by the tests: what a person would see wrong. Returns a list of complaints.
const complaints = [];
const label = (element) => `<${element.tagName.toLowerCase()} class="${element.getAttribute('class') ?? ''}"> "${(element.textContent ?? '').trim().slice(0, 40)}"`;

// Nothing makes the page itself wider than the screen.
const root = document.documentElement;
if (root.scrollWidth > root.clientWidth) {
  const wide = [...document.querySelectorAll('body *')].filter((each) => each.getBoundingClientRect().right > root.clientWidth + 1 && !each.closest('.scroll, .unseen, .tabs, .picks'));
  complaints.push(`wider than the screen: ${root.scrollWidth} > ${root.clientWidth}: ${wide.slice(0, 3).map(label).join('; ')}`);
}

// Text against its ground, as WCAG counts it.
function parse(text) {
  const found = text.match(/rgba?\(([^)]+)\)/);
  if (!found) return null;
  const [r, g, b, a = 1] = found[1].split(/[ ,/]+/).map(Number);
  return {r, g, b, a};
}
const over = (top, under) => ({r: top.r * top.a + under.r * (1 - top.a), g: top.g * top.a + under.g * (1 - top.a), b: top.b * top.a + under.b * (1 - top.a), a: 1});
function luminance({r, g, b}) {
  const [x, y, z] = [r, g, b].map((value) => (value / 255 <= 0.03928 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * x + 0.7152 * y + 0.0722 * z;
}
function ground(element) {
  const layers = [];
  for (let each = element; each; each = each.parentElement) {
    const colour = parse(getComputedStyle(each).backgroundColor);
    if (colour && colour.a > 0) layers.push(colour);
    if (colour && colour.a === 1) break;
  }
  return layers.reverse().reduce((under, top) => over(top, under), {r: 255, g: 255, b: 255, a: 1});
}
const seen = new Set();
for (const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT); walker.nextNode();) {
  const element = walker.currentNode.parentElement;
  if (!walker.currentNode.textContent.trim() || seen.has(element) || !element.checkVisibility() || element.closest('.unseen, svg, option, noscript')) continue;
  seen.add(element);
  const style = getComputedStyle(element);
  if (element.closest(':disabled')) continue;
  const under = ground(element);
  const ink = over(parse(style.color), under);
  const [high, low] = [luminance(ink), luminance(under)].sort((a, b) => b - a);
  const ratio = (high + 0.05) / (low + 0.05);
  const size = parseFloat(style.fontSize);
  const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
  if (ratio < (large ? 3 : 4.5)) complaints.push(`contrast ${ratio.toFixed(2)}: ${label(element)}`);
}

// What can be used has a name; headings, tables and pictures are what they say.
for (const each of document.querySelectorAll('a, button, select, input')) {
  const named = each.textContent.trim() || each.getAttribute('aria-label') || each.labels?.length || each.getAttribute('title');
  if (!named) complaints.push(`has no name: ${label(each)}`);
}
if (document.querySelectorAll('h1').length !== 1) complaints.push(`${document.querySelectorAll('h1').length} h1`);
for (const table of document.querySelectorAll('table')) {
  if (!table.caption) complaints.push('a table without a caption');
  for (const head of table.querySelectorAll('th')) if (!head.scope) complaints.push(`a heading without a scope: ${label(head)}`);
}
for (const each of document.querySelectorAll('canvas, svg[role="img"]')) if (!each.getAttribute('aria-label')) complaints.push('a picture without words');
for (const each of document.querySelectorAll('.scroll')) if (each.tabIndex !== 0) complaints.push('a part that scrolls, but not by the keyboard');
for (const each of document.querySelectorAll('[style]')) {
  // Chart.js sizes its canvases so, by script; nothing else has a style of its own but the lengths of bars.
  if (each.tagName !== 'CANVAS' && !each.matches('.part, .piece')) complaints.push(`a style inside: ${label(each)}`);
}
const ids = [...document.querySelectorAll('[id]')].map((each) => each.id);
for (const id of new Set(ids)) if (ids.filter((each) => each === id).length > 1) complaints.push(`the id ${id} is there twice`);
return complaints;
