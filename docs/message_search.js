/* Leads a message that was pasted to the part of the page that explains it, above whatever else the search finds.
 * MESSAGES stands before this (docs/message_index.py). A message is in a query when all that is fixed in it is, in its
 * order: whatever stands in between, or around it, is somebody's own. A query that is a piece of a message finds it, too,
 * and so does a code of Exchange's or Rainbow's. */
"use strict";
{
  /** So many are led to at most, those with most fixed letters first, down to this part of the best. */
  const MOST = 5;
  const PART = 0.5;
  /** Fewer letters are no message. */
  const FEWEST = 6;
  /** A piece of a message, of so many words at least, counts a bit less than a whole one. */
  const PIECE = { factor: 0.9, words: 5 };
  /** A query of so many words at most may be about a short code, such as one of HTTP. */
  const FEW_WORDS = 3;
  /** Above all scores of other results. */
  const ABOVE = 1000;

  const flat = (text) => text.toLowerCase().replace(/[‘’]/g, "'").replace(/\s+/g, " ").trim().replace(/\.+$/, "");
  const letters = (text) => (text.match(/[\p{Letter}\p{Number}]/gu) ?? []).length;
  const inside = (text, place) => /[\p{Letter}\p{Number}]{2}/u.test(text.slice(place - 1, place + 1));

  /** Where a text stands in another one, from a place on, not in the middle of a word; -1 if nowhere. */
  const find = (part, text, from) => {
    for (let place = text.indexOf(part, from); place >= 0; place = text.indexOf(part, place + 1))
      if (!(place && inside(text, place)) && !inside(text, place + part.length)) return place;
    return -1;
  };

  const known = MESSAGES.flatMap((section) =>
    section.messages.map((message) => {
      const whole = flat(message);
      const parts = whole.split(/<\w+>/).map((part) => part.trim()).filter((part) => part);
      return { section, whole, parts, weight: letters(parts.join("")) };
    }));

  /** How much of a message a query has: its fixed letters, or none. */
  const weigh = ({ whole, parts, weight }, query) => {
    let from = 0;
    const all = parts.every((part) => {
      const place = find(part, query, from);
      from = place + part.length;
      return place >= 0;
    });
    if (all) return weight;
    const isPiece = query.split(" ").length >= PIECE.words && find(query, whole, 0) >= 0;
    return isPiece ? letters(query) * PIECE.factor : 0;
  };

  /** How much of the codes that a part of a page explains are in a query. */
  const weighCodes = ({ codes }, words) =>
    words.filter((word) => codes.includes(word) && (words.length <= FEW_WORDS || word.length >= FEWEST))
      .reduce((sum, word) => sum + Math.max(word.length, FEWEST), 0);

  const others = Search._performSearch;
  Search._performSearch = (query, ...more) => {
    const asked = flat(query);
    const weights = new Map(); // section → the weight of its best message
    for (const message of known) {
      const weight = weigh(message, asked);
      if (weight >= FEWEST && weight > (weights.get(message.section) ?? 0)) weights.set(message.section, weight);
    }
    const words = asked.match(/[\p{Letter}\p{Number}]+/gu) ?? [];
    for (const section of MESSAGES) {
      const weight = weighCodes(section, words);
      if (weight > (weights.get(section) ?? 0)) weights.set(section, weight);
    }
    const ordered = [...weights].sort(([, one], [, other]) => other - one).slice(0, MOST);
    const best = ordered.filter(([, weight]) => weight >= PART * ordered[0][1]);
    const led = best.map(([{ page, title, heading, anchor }, weight]) => [
      page,
      `${title} > ${heading}`,
      `#${anchor}`,
      null,
      ABOVE + weight,
      Search._index.filenames[Search._index.docnames.indexOf(page)],
      SearchResultKind.text,
    ]);
    const places = new Set(led.map(([page, , anchor]) => page + anchor));
    const rest = others(query, ...more).filter(([page, , anchor]) => !places.has(page + anchor));
    return [...rest, ...led.reverse()]; // the best is shown first, and comes last
  };
}
