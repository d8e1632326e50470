// A story on the page: words are added behind the last one, and what was read never moves.

import { beforePaint } from "./display.js";

const SENTENCE_END = /[.!?…。！？؟।]["'”’“»)\]]*$/u;
const MOST_UNSPOKEN = 40; // words; not every story has sentences
const MOST_WET = 12; // words that come in one frame and still dry one by one
const SPARE_PIXELS = 16;

// *spoken* gets the story by the sentence, and *desk* is what lies over the foot of the window, if they are there.
export function storyIn(paragraph, spoken, desk) {
  let fresh = []; // words since the last frame
  let unspoken = [];
  const draw = beforePaint(append);

  function append() {
    const words = fresh;
    if (!words.length) return;
    fresh = [];
    const following = hiddenPixels() <= 0;
    for (const piece of words.length > MOST_WET ? [words.join(" ")] : words) appendSpan(piece);
    unspoken.push(...words);
    const end = unspoken.findLastIndex((word) => SENTENCE_END.test(word)) + 1;
    speak(end || (unspoken.length > MOST_UNSPOKEN ? Infinity : 0));
    // Who has scrolled up to read is left in peace.
    if (following && hiddenPixels() > 0) scrollBy(0, hiddenPixels() + SPARE_PIXELS);
  }

  function appendSpan(piece) {
    const first = !paragraph.hasChildNodes();
    // A large initial suits Latin letters; joined or stacked scripts would be torn apart by it.
    if (first && /^\p{P}*\p{Script=Latin}/u.test(piece)) paragraph.classList.add("latin");
    const span = document.createElement("span");
    span.textContent = piece;
    paragraph.append(first ? "" : " ", span);
  }

  function speak(count) {
    const words = unspoken.splice(0, count);
    if (words.length) spoken?.replaceChildren(words.join(" "));
  }

  // How far the newest word reaches behind the desk.
  function hiddenPixels() {
    const word = desk && paragraph.lastElementChild;
    return word ? word.getBoundingClientRect().bottom - desk.getBoundingClientRect().top : 0;
  }

  return {
    clear() {
      fresh = [];
      unspoken = [];
      paragraph.replaceChildren();
      paragraph.classList.remove("latin");
      spoken?.replaceChildren();
    },
    tellIn(lang, dir) {
      for (const element of [paragraph, spoken]) if (element) Object.assign(element, { lang, dir });
    },
    add(word) {
      fresh.push(word);
      draw();
    },
    // Say what is left, a whole sentence or not.
    finish() {
      append();
      speak(Infinity);
    },
  };
}
