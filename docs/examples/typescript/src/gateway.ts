// The tokens of one consent, and the calls with them.
import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { type AnyVariables, Client, fetchExchange } from '@urql/core';
import type * as oauth from 'openid-client';
import type { UserErrorCode } from './generated/graphql.js';

/** The gateway did not do what we asked for. `code` is for programs: a user error, or an error of the whole request. */
export class GatewayError extends Error {
  constructor(
    readonly code: `${UserErrorCode}` | 'UNAUTHENTICATED' | 'FORBIDDEN' | 'THROTTLED' | (string & {}),
    message: string,
  ) {
    super(message);
  }
}

/** Gets new tokens, by the refresh token of the old ones or by the client's own secret. */
export type Renew = (old: oauth.TokenEndpointResponse) => Promise<oauth.TokenEndpointResponse>;

export class Gateway {
  readonly #client: Client;
  #tokens: oauth.TokenEndpointResponse;
  #renewal: Promise<oauth.TokenEndpointResponse> | undefined;

  constructor(
    graphql: string,
    tokens: oauth.TokenEndpointResponse,
    private readonly renew: Renew,
  ) {
    this.#tokens = tokens;
    this.#client = new Client({
      url: graphql,
      exchanges: [fetchExchange], // no cache: a decision changes without us
      preferGetMethod: false,
      fetch: (url, init) => this.#fetch(url, init),
    });
  }

  /** Returns the data of an operation, with its types. Throws GatewayError. */
  async execute<Data, Variables extends AnyVariables>(
    document: TypedDocumentNode<Data, Variables>,
    variables: Variables,
  ): Promise<Data> {
    const isMutation = document.definitions.some((each) => 'operation' in each && each.operation === 'mutation');
    const call = isMutation ? this.#client.mutation(document, variables) : this.#client.query(document, variables);
    const { data, error } = await call.toPromise();
    if (error?.networkError instanceof GatewayError) throw error.networkError;
    if (error || data === undefined) {
      const [first] = error?.graphQLErrors ?? [];
      throw new GatewayError(String(first?.extensions['code'] ?? 'UNAVAILABLE'), first?.message ?? String(error));
    }
    return data;
  }

  /** Posts a call up to three times with the same body, so with the same idempotency key. Renews the tokens once. */
  async #fetch(url: RequestInfo | URL, init: RequestInit = {}): Promise<Response> {
    let mayRenew = true;
    for (let attempts = 1; ; attempts += 1) {
      const { access_token } = this.#tokens;
      const headers = new Headers(init.headers);
      headers.set('authorization', `Bearer ${access_token}`);
      const signal = AbortSignal.timeout(10_000);
      const response = await fetch(url, { ...init, headers, signal }).catch(() => undefined);
      if (response?.status === 401 && mayRenew) {
        mayRenew = false;
        await this.#renew(access_token);
        continue;
      }
      if (response && response.status < 500 && response.status !== 429) return response;
      if (attempts >= 3) throw new GatewayError('UNAVAILABLE', 'three attempts failed');
      const seconds = Math.min(Number(response?.headers.get('retry-after') ?? 0.5), 5);
      await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    }
  }

  /** Renews the tokens, once for all calls that wait: a refresh token of the profile baseline works once. */
  async #renew(rejected: string): Promise<void> {
    if (this.#tokens.access_token !== rejected) return;
    this.#renewal ??= this.renew(this.#tokens);
    try {
      this.#tokens = { ...this.#tokens, ...(await this.#renewal) };
    } catch (error) {
      throw new GatewayError('UNAUTHENTICATED', `The consent has ended: ${String(error)}`);
    } finally {
      this.#renewal = undefined;
    }
  }
}
