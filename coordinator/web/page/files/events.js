// Lines of a history or a log.
import {clean, h} from './dom.js';
import {time} from './format.js';
import {trialLink} from './parts.js';

export function historyList(items, label, withTrials = false) {
  return h('div', {class: 'scroll', tabindex: '0', role: 'region', 'aria-label': label, 'data-key': label},
    h('ol', {class: 'log'}, items.map((item) => h('li', {}, h('time', {datetime: item.time}, time(item.time)),
      h('span', {class: 'kind'}, clean(item.kind.replaceAll('_', ' '))),
      h('span', {class: 'text'}, withTrials && item.trial_id ? [trialLink(item.trial_id, item.trial ?? item.trial_id), item.message ? ': ' : ''] : null,
        clean(item.message), item.worker ? h('span', {class: 'meta'}, ` on ${clean(item.worker)}`) : null)))));
}
