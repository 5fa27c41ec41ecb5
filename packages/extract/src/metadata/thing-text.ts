/** The text of a JSON-LD thing, by its type, as Markdown: paragraphs, lists, questions with answers, posts with their authors. */
import { fragmentText } from "./fragment-text.ts";
import { type LinkedData, type Thing, textAt, textsAt, typesOf } from "./linked-data.ts";

/** Posts and questions read of one page. */
const PARTS_MAX = 500;

export type ThingText = { readonly type: string; readonly markdown: string };

/** Empty when the thing has no text of its own. */
export function thingText(thing: Thing, data: LinkedData): ThingText {
  for (const type of typesOf(thing)) {
    const parts = READERS.get(type)?.(thing, data);
    const markdown = parts?.filter((part) => part !== "").join("\n\n") ?? "";
    if (markdown !== "") return { type, markdown };
  }
  return { type: "", markdown: "" };
}

type Reader = (thing: Thing, data: LinkedData) => string[];

function article(thing: Thing, data: LinkedData): string[] {
  return [body(thing, data)];
}

function recipe(thing: Thing, data: LinkedData): string[] {
  const ingredients = textsAt(thing, "recipeIngredient", data);
  const steps = stepsOf(thing.recipeInstructions, data);
  if (ingredients.length === 0 && steps.length === 0) return [];
  return [field(thing, "description", data), list(ingredients, "-"), list(steps, "1.")];
}

function howTo(thing: Thing, data: LinkedData): string[] {
  const steps = stepsOf(thing.step, data);
  return steps.length === 0 ? [] : [field(thing, "description", data), list(steps, "1.")];
}

function questions(thing: Thing, data: LinkedData): string[] {
  return things(thing.mainEntity).flatMap((question) => {
    const answers = [...things(question.acceptedAnswer), ...things(question.suggestedAnswer)];
    const asked = body(question, data);
    const name = fragmentText(textAt(question, "name", data) ?? "");
    return [
      name === "" ? "" : `## ${name}`,
      asked === name ? "" : asked,
      ...answers.map((answer) => post(answer, data)),
    ];
  });
}

function thread(thing: Thing, data: LinkedData): string[] {
  const first = post(thing, data);
  if (first === "") return [];
  return [first, ...things(thing.comment).map((comment) => post(comment, data))];
}

function product(thing: Thing, data: LinkedData): string[] {
  const features = things(thing.additionalProperty).map(
    (property) => `${textAt(property, "name", data) ?? ""}: ${textAt(property, "value", data) ?? ""}`,
  );
  return [field(thing, "description", data), list(features, "-")];
}

function event(thing: Thing, data: LinkedData): string[] {
  const facts = [textAt(thing, "startDate", data), textAt(thing, "location", data)].filter(
    (text) => text !== undefined,
  );
  return [field(thing, "description", data), facts.join(", ")];
}

function job(thing: Thing, data: LinkedData): string[] {
  const names = [
    "description",
    "responsibilities",
    "qualifications",
    "skills",
    "experienceRequirements",
    "jobBenefits",
  ];
  return [...new Set(names.map((name) => field(thing, name, data)))];
}

const ARTICLES =
  "Article NewsArticle BlogPosting TechArticle ScholarlyArticle Report ReportageNewsArticle AnalysisNewsArticle OpinionNewsArticle LiveBlogPosting AdvertiserContentArticle SocialMediaPosting".split(
    " ",
  );

/** A map, since the types are the page's own words: "constructor" is one of every object's names. */
const READERS: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ...ARTICLES.map((type) => [type, article] as const),
  ["Recipe", recipe],
  ["HowTo", howTo],
  ["FAQPage", questions],
  ["QAPage", questions],
  ["DiscussionForumPosting", thread],
  ["Product", product],
  ["ProductGroup", product],
  ["Book", product],
  ["Course", product],
  ["Movie", product],
  ["SoftwareApplication", product],
  ["VideoObject", product],
  ["PodcastEpisode", product],
  ["Event", event],
  ["JobPosting", job],
]);

function body(thing: Thing, data: LinkedData): string {
  return field(thing, "articleBody", data) || field(thing, "text", data);
}

function field(thing: Thing, key: string, data: LinkedData): string {
  return fragmentText(textsAt(thing, key, data).join("\n\n"));
}

function post(thing: Thing, data: LinkedData): string {
  const text = body(thing, data);
  const author = textAt(thing, "author", data);
  return text === "" || author === undefined ? text : `**${author}**\n\n${text}`;
}

/** Steps may be texts, steps, or sections of steps. */
function stepsOf(value: unknown, data: LinkedData): string[] {
  const list = Array.isArray(value) ? value : value === undefined ? [] : [value];
  return list.flatMap((step: unknown) => {
    if (typeof step === "string") return fragmentText(step).split(/\n+/);
    const inner = things(step)[0];
    if (!inner) return [];
    const nested = inner.itemListElement === undefined ? [] : stepsOf(inner.itemListElement, data);
    return nested.length > 0
      ? nested
      : [fragmentText(textAt(inner, "text", data) ?? textAt(inner, "name", data) ?? "")];
  });
}

function things(value: unknown): Thing[] {
  const list: unknown[] = Array.isArray(value) ? value : [value];
  return list
    .filter((item): item is Thing => typeof item === "object" && item !== null && !Array.isArray(item))
    .slice(0, PARTS_MAX);
}

function list(items: readonly string[], mark: string): string {
  return items
    .filter((item) => item !== "")
    .map((item) => `${mark} ${fragmentText(item).replace(/\n+/g, " ")}`)
    .join("\n");
}
