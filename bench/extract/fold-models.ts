/**
 * Models of a cross-validation: fold K's model was trained without the pages of fold K, so each page is judged by the model of its own.
 * A directory with `folds.json` (page id → fold number) and `fold-K.bin` for each K.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { MillraceError } from "@millrace/core";

export class FoldModels<Model> {
  readonly #directory: string;
  readonly #load: (bytes: Uint8Array) => Model;
  readonly #folds: Readonly<Record<string, unknown>>;
  readonly #models = new Map<number, Model>();

  /** `load` makes a model of a file's bytes. `unreadable_document` when folds.json cannot be read. */
  constructor(directory: string, load: (bytes: Uint8Array) => Model) {
    this.#directory = directory;
    this.#load = load;
    const folds: unknown = JSON.parse(this.#read("folds.json").toString());
    if (typeof folds !== "object" || folds === null || Array.isArray(folds))
      throw this.#broken('folds.json is not {"ID": FOLD}');
    this.#folds = folds as Readonly<Record<string, unknown>>;
  }

  /** `not_found` for a page of no fold: every model may have been trained on it. */
  modelFor(id: string): Model {
    const fold = this.#folds[id];
    if (fold === undefined)
      throw new MillraceError("not_found", `page ${id} is in no fold of ${this.#directory}; judge it without --folds`);
    if (typeof fold !== "number" || !Number.isInteger(fold) || fold < 0)
      throw this.#broken(`fold of page ${id} is ${JSON.stringify(fold)}, not a number from 0`);
    const known = this.#models.get(fold);
    if (known !== undefined) return known;
    const model = this.#load(this.#read(`fold-${fold}.bin`));
    this.#models.set(fold, model);
    return model;
  }

  #read(name: string): Buffer {
    try {
      return readFileSync(join(this.#directory, name));
    } catch (cause) {
      throw new MillraceError(
        "not_found",
        `${join(this.#directory, name)} cannot be read; --folds takes what the training script wrote`,
        { cause },
      );
    }
  }

  #broken(reason: string): MillraceError {
    return new MillraceError("unreadable_document", `${this.#directory}: ${reason}; run the training script again`);
  }
}
