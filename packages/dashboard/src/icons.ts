/** Line icons on a grid of 20, drawn for this page. */
import { svg, type TemplateResult } from "lit-html";

const PATHS = {
  overview: "M3 10h3l2.500-6 4 12 2-6H17",
  ask: "M9 3.500a5.500 5.500 0 1 1 0 11a5.500 5.500 0 0 1 0-11zM13 13l4 4",
  jobs: "M3.500 5h13M3.500 10h9M3.500 15h5M14 13.500l1.500 1.500 2.500-3",
  streams:
    "M2.500 6.500c2.500-2.500 5-2.500 7.500 0s5 2.500 7.500 0M2.500 13.500c2.500-2.500 5-2.500 7.500 0s5 2.500 7.500 0",
  spaces: "M10 2.500l7 3.800-7 3.800-7-3.800zM3 10l7 3.800 7-3.800M3 13.700l7 3.800 7-3.800",
  sources: "M5 2.500h6.500L15.500 6.500V17.500H5zM11.500 2.500v4h4M7.500 10.500h5M7.500 13.500h5",
  extract: "M3 5h14M5.500 10h9M8 15h4",
  embed:
    "M5 5.500a1.500 1.500 0 1 0 .01 0M15 4a1.500 1.500 0 1 0 .01 0M13.500 14a1.500 1.500 0 1 0 .01 0M5 13a1.500 1.500 0 1 0 .01 0M6.500 6.800l5.800 6.500M6.500 6.500l7-1",
  log: "M4 4h12M4 8h12M4 12h12M4 16h8",
  index: "M3.500 3.500h5v5h-5zM11.500 3.500h5v5h-5zM3.500 11.500h5v5h-5zM11.500 11.500h5v5h-5z",
  recall: "M9 3.500a5.500 5.500 0 1 1 0 11a5.500 5.500 0 0 1 0-11zM13 13l4 4M7 9h4",
  subscribers:
    "M10 8.500a1.500 1.500 0 1 0 .01 0M6.500 6.500a5 5 0 0 0 0 7M13.500 6.500a5 5 0 0 1 0 7M4 4a8.500 8.500 0 0 0 0 12M16 4a8.500 8.500 0 0 1 0 12",
  sun: "M10 6.500a3.500 3.500 0 1 1 0 7a3.500 3.500 0 0 1 0-7zM10 2v1.500M10 16.500V18M2 10h1.500M16.500 10H18M4.300 4.300l1.100 1.100M14.600 14.600l1.100 1.100M4.300 15.700l1.100-1.100M14.600 5.400l1.100-1.100",
  moon: "M16.500 11.800A7 7 0 0 1 8.200 3.500a7 7 0 1 0 8.300 8.300z",
  close: "M5 5l10 10M15 5L5 15",
  copy: "M7 7h9v9H7zM4 13V4h9",
  check: "M4 10.500l4 4 8-9",
  alert: "M10 3l7.500 13.500h-15zM10 8v4M10 14.200v.3",
  upload: "M10 13V4M6.500 7.500L10 4l3.500 3.500M3.500 13v3.500h13V13",
  link: "M8.500 11.500a3 3 0 0 0 4.300 0l3-3a3 3 0 0 0-4.300-4.300l-1 1M11.500 8.500a3 3 0 0 0-4.300 0l-3 3a3 3 0 0 0 4.300 4.300l1-1",
  chevron: "M7.500 5l5 5-5 5",
  pause: "M7 4.500v11M13 4.500v11",
  play: "M6.500 4l9 6-9 6z",
  back: "M12.500 5l-5 5 5 5",
  document: "M5 2.500h6.500L15.500 6.500V17.500H5zM11.500 2.500v4h4",
} as const;

export type IconName = keyof typeof PATHS;

/** The shapes alone, for use inside another drawing. */
export function iconPath(name: IconName): TemplateResult {
  return svg`<path class="icon-path" d=${PATHS[name]} />`;
}

export function icon(name: IconName): TemplateResult {
  return svg`<svg class="icon" viewBox="0 0 20 20" aria-hidden="true" focusable="false">${iconPath(name)}</svg>`;
}
