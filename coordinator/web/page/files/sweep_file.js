// The file as it was submitted, and what it was run on.
import {clean, h, name} from './dom.js';
import {scroller} from './parts.js';

export async function show(place, sweep) {
  place.append(
    ...(sweep.files.length ? [h('h2', {}, 'What it reads'), scroller('Files', 'files', h('table', {}, h('caption', {class: 'unseen'}, 'Files and their fingerprints'),
      h('thead', {}, h('tr', {}, ['File', 'SHA-256', 'First seen on'].map((each) => h('th', {scope: 'col'}, each)))),
      h('tbody', {}, sweep.files.map((file) => h('tr', {}, h('th', {scope: 'row'}, name(file.name)), h('td', {class: 'mono'}, clean(file.value)),
        h('td', {}, name(file.worker)))))))] : []),
    h('h2', {}, 'As submitted'),
    scroller('The sweep file', 'file', h('pre', {class: 'file'}, clean(sweep.text))));
  return {};
}
