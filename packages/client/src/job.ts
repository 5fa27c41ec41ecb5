import type { Job, JobSource, JobState, SourceState } from "@millrace/protocol";
import type { ClientContext } from "./client.ts";
import { UPLOAD_TIMEOUT_MS } from "./limits.ts";

type Signal = { readonly signal?: AbortSignal | undefined };
export type JobSourcesOptions = Signal & {
  readonly state?: SourceState | undefined;
  readonly after?: string | undefined;
  readonly limit?: number | undefined;
};
export type JobSourcesPage = { readonly sources: JobSource[]; readonly next?: string };

/** One job, by id. Its frames are in the stream `job:<id>`. */
export class JobHandle {
  readonly job: string;
  readonly #context: ClientContext;
  readonly #path: string;

  constructor(context: ClientContext, job: string) {
    this.job = job;
    this.#context = context;
    this.#path = `/v1/jobs/${encodeURIComponent(job)}`;
  }

  get({ signal }: Signal = {}): Promise<Job> {
    return this.#context.http.call("GET", this.#path, { signal });
  }

  /** A new job over the open sources of this interrupted one. */
  resume({ signal }: Signal = {}): Promise<Job> {
    return this.#context.http.call("POST", `${this.#path}/resume`, { signal });
  }

  /** Ends the job as interrupted; what is stored stays. */
  cancel({ signal }: Signal = {}): Promise<Job> {
    return this.#context.http.call("POST", `${this.#path}/cancel`, { signal });
  }

  /** One page of the job's sources. */
  sources({ state, after, limit, signal }: JobSourcesOptions = {}): Promise<JobSourcesPage> {
    return this.#context.http.call("GET", `${this.#path}/sources`, { query: { state, after, limit }, signal });
  }

  /** Sends the bytes of an announced upload; resolves once they are durable. */
  putSource(
    index: number,
    body: Blob | Uint8Array,
    options: Signal & { readonly contentType?: string | undefined } = {},
  ): Promise<void> {
    const contentType = options.contentType ?? "application/octet-stream";
    const call = { body: body as BodyInit, contentType, signal: options.signal, timeoutMs: UPLOAD_TIMEOUT_MS };
    return this.#context.http.call("PUT", `${this.#path}/sources/${index}`, call);
  }

  /** Says that an announced upload will not come: it is settled as failed, and the job goes on without it. */
  withdrawSource(index: number, { signal }: Signal = {}): Promise<void> {
    return this.#context.http.call("DELETE", `${this.#path}/sources/${index}`, { signal });
  }
}

export type JobsOptions = Signal & {
  readonly space?: string | undefined;
  readonly state?: JobState | undefined;
  readonly limit?: number | undefined;
};

export type JobsApi = {
  /** Newest first. */
  list(options?: JobsOptions): Promise<Job[]>;
};

export function jobsApi({ http }: ClientContext): JobsApi {
  return {
    async list({ space, state, limit, signal } = {}) {
      const answer = await http.call<{ jobs: Job[] }>("GET", "/v1/jobs", { query: { space, state, limit }, signal });
      return answer.jobs;
    },
  };
}
