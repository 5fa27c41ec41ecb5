/** All that is read off a page before its blocks are judged, in arrays kept from page to page. */
import type { Page } from "../page/page.ts";
import { Alike } from "./alike.ts";
import { ElementFacts } from "./element-facts.ts";
import type { Lexicon } from "./lexicon.ts";
import { LexiconScores } from "./lexicon-scores.ts";
import { MainElement } from "./main-element.ts";
import { Repeats } from "./repeats.ts";
import { TagDistances } from "./tag-distances.ts";
import { WordFacts } from "./word-facts.ts";

export class PageFacts {
  readonly elements = new ElementFacts();
  readonly alike = new Alike();
  readonly repeats = new Repeats();
  readonly main = new MainElement();
  readonly distances = new TagDistances();
  readonly words = new WordFacts();
  readonly lexicon = new LexiconScores();

  read(page: Page, lexicon: Lexicon, url: string | undefined): void {
    this.elements.read(page);
    this.alike.read(page, this.elements);
    this.repeats.read(page, this.elements);
    this.main.read(page, this.elements);
    this.distances.read(page, this.elements);
    this.words.read(page);
    this.lexicon.read(page, lexicon, { facts: this.elements, words: this.words, url });
  }
}
