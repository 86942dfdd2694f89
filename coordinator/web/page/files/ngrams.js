// Which words of a summary the reference has, too: runs of n words in a row that are in both.
import {clean, h} from './dom.js';

// Words as ROUGE counts them: letters and digits in lower case (of ASCII, as rouge_score has it).
const WORD = /[a-z0-9]+/gi;

export function wordsOf(text) {
  return [...text.matchAll(WORD)].map((found) => found[0].toLowerCase());
}

function runsOf(words, length) {
  const runs = new Set();
  for (let i = 0; i + length <= words.length; i += 1) runs.add(words.slice(i, i + length).join(' '));
  return runs;
}

// The text with what is shared marked; longer runs than asked for are marked more strongly.
export function marked(text, reference, length) {
  if (!length) return clean(text);
  const found = [...text.matchAll(WORD)];
  const words = found.map((each) => each[0].toLowerCase());
  const level = new Array(words.length).fill(0);
  for (const [size, value] of [[length, 1], [length + 2, 2]]) {
    const runs = runsOf(reference, size);
    for (let i = 0; i + size <= words.length; i += 1) {
      if (runs.has(words.slice(i, i + size).join(' '))) level.fill(value, i, i + size);
    }
  }
  const out = [];
  let at = 0;
  for (let i = 0; i < words.length;) {
    if (!level[i]) { i += 1; continue; }
    let j = i;
    while (j + 1 < words.length && level[j + 1] === level[i]) j += 1;
    const begin = found[i].index;
    const end = found[j].index + found[j][0].length;
    out.push(clean(text.slice(at, begin)), h('mark', {class: level[i] > 1 ? 'more' : undefined}, clean(text.slice(begin, end))));
    at = end;
    i = j + 1;
  }
  out.push(clean(text.slice(at)));
  return out;
}
