/* A search that forgives. Sphinx's own (searchtools.js, which is read before this) demands every word of a query, and so
 * finds nothing for a message with somebody's host name in it. Here words that stand nowhere are left out; pages come in
 * the order of how much of the rest they have, rare words counting more, and a heading that says it more than a page.
 * Sphinx puts this into the search page through `html_search_scorer`; the index is described in sphinx/search. */
"use strict";

/** How many known words make a query a message that was pasted, and which pages explain messages. */
const MESSAGE = { words: 5, pages: /^(fr\/)?reference\/messages\// };

/** Pages for whoever wants to know how it is made; they have a word on everything. And the French ones: their examples
 * are those of the English ones, and who asks in French finds them by words that no other page has. */
const ASIDE = { pages: /^(fr\/.*|reference\/lab|explanation\/(architecture|dependencies|guarantees))$/, factor: 0.8 };

/** So many pages are shown: nobody looks at more. */
const MOST = 15;

/** What a page gets that has all of the query, in a heading, too: one point below a title that is the query. */
const ALL = 14;

// No page can be asked for its text where there is no server.
if (window.location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;

/** The words of a text as docs/conf.py splits pages: parts, and the whole of what dots or hyphens join; no accents. */
splitQuery = (text) => {
  const plain = text.normalize("NFD").replace(/\p{Mark}/gu, "");
  return [
    ...(plain.match(/[\p{Letter}\p{Number}_]+/gu) ?? []),
    ...(plain.match(/[\p{Letter}\p{Number}_]+(?:[-.][\p{Letter}\p{Number}_]+)+/gu) ?? []),
  ];
};

/** What is the same for each query: word → the pages that have it; the headings with their words; how long a page is. */
const prepare = ({ terms, titleterms, docnames, alltitles }) => {
  const pages = new Map();
  for (const [term, found] of [...Object.entries(terms), ...Object.entries(titleterms)])
    pages.set(term, new Set([...(pages.get(term) ?? []), ...[found].flat()]));
  const sizes = docnames.map(() => 0); // how many different words a page has
  for (const found of pages.values()) for (const page of found) sizes[page] += 1;
  const usual = sizes.reduce((sum, size) => sum + size, 0) / docnames.length;
  const stemmer = new Stemmer();
  const headings = Object.entries(alltitles).map(([title, places]) => ({
    title, places, words: new Set(splitQuery(title.toLowerCase()).map((word) => stemmer.stemWord(word))),
  }));
  return { pages, headings, lengths: sizes.map((size) => size / usual) };
};
let prepared;

Search.performTermsSearch = (wanted) => {
  const { docnames, filenames, titles } = Search._index;
  const { pages, headings, lengths } = (prepared ??= prepare(Search._index));

  const weights = new Map(); // word → what it counts
  const scores = new Map(); // page → the sum of its words
  for (const word of wanted) {
    let found = pages.get(word);
    if (!found && word.length > 2)
      found = new Set([...pages].filter(([term]) => term.startsWith(word)).flatMap(([, some]) => [...some]));
    if (!found?.size) continue;
    weights.set(word, 1 + Math.log(docnames.length / found.size));
    for (const page of found) scores.set(page, (scores.get(page) ?? 0) + weights.get(word));
  }
  const all = [...weights.values()].reduce((sum, weight) => sum + weight, 0);

  const best = new Map(); // page → the heading that has most of the query
  for (const { title, places, words } of headings) {
    const weight = [...weights].reduce((sum, [word, counts]) => sum + (words.has(word) ? counts : 0), 0);
    for (const [page, id] of places) if (weight > (best.get(page)?.weight ?? 0)) best.set(page, { weight, title, id });
  }

  const isMessage = weights.size >= MESSAGE.words;
  // the page that is opened from here would have each word of the message in yellow
  if (isMessage) localStorage.removeItem("sphinx_highlight_terms");
  const results = [...scores].map(([page, score]) => {
    const heading = best.get(page);
    const inside = heading?.id && heading.weight >= all / 2 && heading.title !== titles[page];
    const part = score / all / (0.9 + 0.1 * lengths[page]); // the shorter of two pages that have all answers it
    const explains = isMessage && MESSAGE.pages.test(docnames[page]);
    const aside = ASIDE.pages.test(docnames[page]);
    return [
      docnames[page],
      inside ? `${titles[page]} > ${heading.title}` : titles[page],
      inside ? `#${heading.id}` : "",
      null,
      ((ALL * (part + (heading?.weight ?? 0) / all)) / 2 + (explains ? ALL / 4 : 0)) * (aside ? ASIDE.factor : 1),
      filenames[page],
      SearchResultKind.text,
    ];
  });
  results.sort((one, other) => other[4] - one[4]);
  return results.slice(0, MOST).filter((result) => result[4] >= results[0][4] / 3);
};
