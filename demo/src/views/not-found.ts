/** The page of an address that leads to none. */

import { h, pageHeading, paragraphs, readingColumn } from '../dom.ts';
import { helpSection, serviceDesk } from '../help.ts';
import type { View } from './view.ts';

export const notFound = (): View => ({
  title: 'Page not found',
  content: [
    readingColumn(
      pageHeading('Page not found'),
      ...paragraphs([
        'If you typed the web address, check that it is right.',
        'If you pasted it, check that you copied the whole address.',
      ]),
      h('p', {}, h('a', { href: '/', class: 'nhsuk-button' }, 'Go to the home page')),
      helpSection(`If a link in this service led you here, contact ${serviceDesk}.`),
    ),
  ],
});
