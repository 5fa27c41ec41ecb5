/** Which of the judged pages the shipped model was trained on: it has seen the answers, so figures on them say nothing. */
import { existsSync } from "node:fs";
import { MillraceError } from "@millrace/core";
import { fingerprintOf, type JudgedPage } from "./page-set.ts";

/** What the training script writes down of its pages. */
export type TrainingPages = {
  /** `fingerprintOf` each page. */
  readonly html: readonly string[];
  /** Hosts without `www.`, in lower case. */
  readonly domains: readonly string[];
};

/** Written beside the model. The same place from bench/extract only: benchmarks are run from source. */
const GENERATED = new URL("../../packages/extract/scripts/training/training-pages.generated.ts", import.meta.url);

/** Undefined where there is no trained model. `internal` for a list of another form. */
export async function loadTrainingPages(file = GENERATED): Promise<TrainingPages | undefined> {
  if (!existsSync(file)) return undefined;
  const module = (await import(file.href)) as Record<string, unknown>;
  const found = Object.values(module).find(isTrainingPages);
  if (found) return found;
  throw new MillraceError("internal", `${file.pathname} exports no {html, domains}; run the training script again`);
}

/** A set of pages to ask for: the page itself, or another page of a domain that was trained on. */
export class TrainedOn {
  readonly #html: ReadonlySet<string>;
  readonly #domains: ReadonlySet<string>;

  constructor({ html, domains }: TrainingPages) {
    this.#html = new Set(html);
    this.#domains = new Set(domains);
  }

  holds({ domain }: Pick<JudgedPage, "domain">, bytes: Uint8Array): boolean {
    return (domain !== undefined && this.#domains.has(domain)) || this.#html.has(fingerprintOf(bytes));
  }
}

function isTrainingPages(value: unknown): value is TrainingPages {
  if (typeof value !== "object" || value === null) return false;
  const { html, domains } = value as Partial<Record<keyof TrainingPages, unknown>>;
  return isTexts(html) && isTexts(domains);
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === "string");
}
