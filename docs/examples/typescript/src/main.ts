// A typed client of Sesame Gateway: consent, tier, decision. The types come from the schema.
//
//   cp .../schema/gateway.graphql .../.sandbox/credentials.json .
//   npm ci && npm run generate && npm run build
//   node dist/main.js credentials.json
import { readFileSync } from 'node:fs';
import * as oauth from 'openid-client';
import { askForConsent } from './consent.js';
import { Gateway, GatewayError } from './gateway.js';
import type { DecisionsQuery } from './generated/graphql.js';
import { graphql } from './generated/index.js';

const TIER = graphql(`
  query Tier {
    consentedUser { scoreTier { tier } }
  }
`);
const REQUEST = graphql(`
  mutation Request($input: DecisionRequestInput!) {
    decisionRequest(input: $input) {
      decision {
        id
        status
        outcome {
          __typename
          ... on Approval { terms { __typename ... on PayLaterTerms { amount { amount currency } dueAt } } }
          ... on Decline { reasons { code message } }
        }
      }
      userErrors { code message field }
    }
  }
`);
const DECISIONS = graphql(`
  query Decisions($after: String) {
    merchant {
      decisions(first: 2, after: $after) {
        nodes { id merchantReference status }
        pageInfo { hasNextPage endCursor }
      }
    }
  }
`);

interface Credentials {
  issuer: string;
  graphql: string;
  merchants: { adapter: string; clients: { profile: string; client_id: string; client_secret: string; loopback_redirect_uri: string }[] }[];
}

const credentials = JSON.parse(readFileSync(process.argv[2] ?? 'credentials.json', 'utf8')) as Credentials;
const shop = credentials.merchants.find((merchant) => merchant.adapter === 'online_shop');
const client = shop?.clients.find((each) => each.profile === 'baseline');
if (!client) throw new Error('The credentials have no online shop with a baseline client.');
const config = await oauth.discovery(
  new URL(credentials.issuer),
  client.client_id,
  {},
  oauth.ClientSecretBasic(client.client_secret),
  { algorithm: 'oauth2', execute: [oauth.allowInsecureRequests] }, // plain http: only for a sandbox on this machine
);

// 1. The person's consent, and their tier.
const tokens = await askForConsent(config, process.argv[3] ?? client.loopback_redirect_uri, [
  { type: 'score', level: 'tier' },
  { type: 'decision', products: ['PAY_LATER'], maximum_amount: { amount: '2000.00', currency: 'CNY' } },
]);
const person = new Gateway(credentials.graphql, tokens, ({ refresh_token = '' }) =>
  oauth.refreshTokenGrant(config, refresh_token),
);
console.log('Tier:', (await person.execute(TIER, {})).consentedUser?.scoreTier?.tier);

// 2. A decision. The compiler knows each field of the outcome.
const order = `order-${crypto.randomUUID()}`;
const { decisionRequest } = await person.execute(REQUEST, {
  input: {
    idempotencyKey: `${order}-request`,
    merchantReference: order,
    ask: { onlineOrder: { amount: { amount: '400.00', currency: 'CNY' }, payWithin: 'P7D' } },
  },
});
for (const error of decisionRequest?.userErrors ?? []) throw new GatewayError(error.code, error.message);
const decision = decisionRequest?.decision;
console.log('Decision:', decision?.status);
if (decision?.outcome?.__typename === 'Approval' && decision.outcome.terms.__typename === 'PayLaterTerms') {
  console.log('To be paid:', decision.outcome.terms.amount.amount, 'by', decision.outcome.terms.dueAt);
}
if (decision?.outcome?.__typename === 'Decline') {
  for (const reason of decision.outcome.reasons) console.log('Reason:', reason.code, reason.message);
}

// 3. All decisions of the shop, page by page, with the shop's own token.
const newToken = () => oauth.clientCredentialsGrant(config, { scope: 'decisions:read' });
const own = new Gateway(credentials.graphql, await newToken(), newToken);
const statuses: string[] = [];
let after: string | null | undefined;
do {
  const { merchant }: DecisionsQuery = await own.execute(DECISIONS, { after: after ?? null });
  statuses.push(...(merchant.decisions?.nodes ?? []).map((each) => each.status));
  after = merchant.decisions?.pageInfo.hasNextPage ? merchant.decisions.pageInfo.endCursor : undefined;
} while (after);
console.log('All decisions:', statuses.length);
