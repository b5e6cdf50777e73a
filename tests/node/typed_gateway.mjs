// docs/examples/typescript/src/gateway.ts against a live sandbox, when tokens end and calls fail:
// node typed_gateway.mjs CREDENTIALS
import assert from 'node:assert/strict';
import * as oauth from 'openid-client';
import { Gateway } from './dist/gateway.js';
import { check, clientOf, credentials, end } from './checks.mjs';
import { connect, person, tokensFor } from './partner.mjs';

const own = clientOf('online_shop', 'baseline');
const { merchant_token } = credentials.merchants.find((merchant) => merchant.adapter === 'online_shop');
const config = await connect(own);
const details = JSON.stringify([{ type: 'score', level: 'tier' }, { type: 'decision', products: ['PAY_LATER'] }]);
const { TierDocument, RequestDocument } = await import('./dist/generated/graphql.js');

/** Calls a mutation of the sandbox with the merchant token. */
async function sandbox(query, variables) {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${merchant_token}` };
  const response = await fetch(credentials.graphql, { method: 'POST', headers, body: JSON.stringify({ query, variables }) });
  const { data, errors } = await response.json();
  assert.equal(errors, undefined);
  return data;
}
const inject = (fault, count) =>
  sandbox('mutation ($fault: SandboxFault!, $count: Int!) { sandboxFaultInject(fault: $fault, count: $count) { remaining } }', { fault, count });

/** Returns a gateway with the tokens of a new consent, the number of their renewals, and the consent's id. */
async function newGateway() {
  const tokens = await tokensFor(config, own.redirect_uri, undefined, { authorization_details: details, browser: person() });
  const renewals = [];
  const gateway = new Gateway(credentials.graphql, tokens, (old) => {
    renewals.push(old.refresh_token);
    return oauth.refreshTokenGrant(config, old.refresh_token);
  });
  return { gateway, renewals, consent: tokens.grant_id };
}
const order = (name) => ({
  input: {
    idempotencyKey: name,
    merchantReference: name,
    ask: { onlineOrder: { amount: { amount: '40.00', currency: 'CNY' }, payWithin: 'P7D' } },
  },
});
const expire = 'mutation ($consent: ID!) { sandboxTokenExpire(consentId: $consent) { expiredCount } }';
const revoke = 'mutation ($consent: ID!) { sandboxConsentEnd(consentId: $consent, as: REVOKED) { consent { status } } }';

await check('calls that wait for new tokens share one renewal', async () => {
  const { gateway, renewals, consent } = await newGateway();
  await sandbox(expire, { consent });
  const answers = await Promise.all(Array.from({ length: 5 }, () => gateway.execute(TierDocument, {})));
  assert.deepEqual(new Set(answers.map((data) => data.consentedUser.scoreTier.tier)), new Set(['EXCELLENT']));
  assert.equal(renewals.length, 1);
});

await check('a call whose response is lost is repeated with the same key', async () => {
  const { gateway } = await newGateway();
  await inject({ dropResponse: true }, 1);
  const { decisionRequest } = await gateway.execute(RequestDocument, order(`lost-${crypto.randomUUID()}`));
  assert.equal(decisionRequest.decision.status, 'APPROVED');
});

await check('a call that a busy server refuses is repeated', async () => {
  const { gateway } = await newGateway();
  await inject({ httpStatus: 502 }, 2);
  assert.equal((await gateway.execute(TierDocument, {})).consentedUser.scoreTier.tier, 'EXCELLENT');
});

await check('three failed attempts are an error with a code', async () => {
  const { gateway } = await newGateway();
  await inject({ httpStatus: 502 }, 3);
  await assert.rejects(gateway.execute(TierDocument, {}), { code: 'UNAVAILABLE' });
});

await check('after the consent has ended, the error says so', async () => {
  const { gateway, consent } = await newGateway();
  await sandbox(revoke, { consent });
  await assert.rejects(gateway.execute(TierDocument, {}), { code: 'UNAUTHENTICATED' });
});

await check('a user error is part of the typed data', async () => {
  const { gateway } = await newGateway();
  const { decisionRequest } = await gateway.execute(RequestDocument, order(''));
  assert.equal(decisionRequest.decision, null);
  assert.deepEqual(decisionRequest.userErrors[0].field, ['input', 'merchantReference']);
});

end();
