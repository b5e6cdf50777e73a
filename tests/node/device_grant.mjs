// The device grant with openid-client, which polls by itself, and with oauth4webapi, whose caller polls:
// node device_grant.mjs CREDENTIALS
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import * as stepwise from 'oauth4webapi';
import * as oauth from 'openid-client';
import { assertChallenged, assertRejected, check, clientOf, end } from './checks.mjs';
import { ask, authentication, connect, newDPoPHandle, person } from './partner.mjs';

const own = clientOf('online_shop', 'fapi2');
const config = await connect(own);
const server = config.serverMetadata();
const DPoP = await newDPoPHandle(config);
const SALE = {
  type: 'decision',
  products: ['PAY_LATER'],
  maximum_amount: { amount: '268.00', currency: 'CNY' },
  store_id: 'Store 17',
  terminal_id: 'T-3',
};
const LOOK = { type: 'score', level: 'tier' };

const startGrant = (details = [SALE, LOOK]) =>
  oauth.initiateDeviceAuthorization(config, { authorization_details: JSON.stringify(details) });

/** Enters a user code and decides. Returns the page with the request, and the page after the decision. */
async function decide(user_code, decision) {
  const browser = person();
  const page = await browser.enterCode(user_code);
  return { page, done: await browser.submit(page, '/device', { decision }) };
}

/** Polls once, and repeats the request if the server asks for a nonce. */
async function poll({ device_code }, handle = DPoP) {
  const proving = { DPoP: handle, [stepwise.allowInsecureRequests]: true };
  const once = async () => stepwise.processDeviceCodeResponse(server, own, await stepwise.deviceCodeGrantRequest(
    server, own, await authentication(own), device_code, proving));
  return once().catch((error) => {
    if (stepwise.isDPoPNonceError(error)) return once();
    throw error;
  });
}

await check('a point of sale gets its codes and addresses', async () => {
  const codes = await startGrant();
  assert.match(codes.user_code, /^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/);
  assert.equal(codes.verification_uri, `${server.issuer}/device`);
  assert.equal(new URL(codes.verification_uri_complete).searchParams.get('user_code'), codes.user_code);
  assert.deepEqual([codes.expires_in, codes.interval], [600, 5]);
});

await check('a sale without a store is rejected', () => {
  const { store_id, ...bare } = SALE;
  return assertRejected(startGrant([bare]), 'invalid_authorization_details', 400);
});
await check('an unknown scope is rejected', () =>
  assertRejected(oauth.initiateDeviceAuthorization(config, { scope: 'everything' }), 'invalid_scope', 400));
await check('a wrong key is rejected', async () => {
  const { privateKey } = await oauth.randomDPoPKeyPair('ES256');
  const stranger = await connect(own, { key: privateKey });
  await assertRejected(oauth.initiateDeviceAuthorization(stranger, { scope: 'score:tier' }), 'invalid_client', 401);
});

await check('a poll that is too early gets slow_down, a later one is accepted', async () => {
  const codes = await startGrant();
  await assertRejected(poll(codes), 'authorization_pending', 400);
  await assertRejected(poll(codes), 'slow_down', 400);
  await sleep(10_000);
  await assertRejected(poll(codes), 'authorization_pending', 400);
});

await check('the complete address fills in the code and does not decide', async () => {
  const codes = await startGrant();
  const browser = person();
  const entry = await browser.open(codes.verification_uri_complete);
  assert.ok(entry.text.includes(codes.user_code));
  await assertRejected(poll(codes), 'authorization_pending', 400);
  const page = await browser.submit(entry, '/device', {});
  for (const text of ['Demo Online Shop', 'Store 17', 'T-3', codes.user_code]) {
    assert.ok(page.text.includes(text), text);
  }
  await assertRejected(poll(codes), 'slow_down', 400);
});

await check('waits until the person allows it, and gets a token for this sale', async () => {
  const codes = await startGrant();
  const [tokens, { done }] = await Promise.all([
    oauth.pollDeviceAuthorizationGrant(config, codes, undefined, { DPoP }),
    decide(codes.user_code.toLowerCase().replace('-', ' '), 'allow'),
  ]);
  assert.equal(done.status, 200);
  assert.equal(tokens.token_type, 'dpop');
  assert.equal(tokens.refresh_token, undefined);
  const [sale] = tokens.authorization_details;
  assert.deepEqual([sale.store_id, sale.terminal_id, sale.maximum_amount], ['Store 17', 'T-3', SALE.maximum_amount]);
  assert.equal((await ask(config, tokens.access_token, DPoP)).data.consentedUser.scoreTier.tier, 'EXCELLENT');
  await assertChallenged(ask(config, tokens.access_token), 'bearer', 'invalid_token');
  await assertRejected(poll(codes), 'invalid_grant', 400);
});

await check('a denial ends the polling with access_denied', async () => {
  const codes = await startGrant();
  await decide(codes.user_code, 'deny');
  await assertRejected(poll(codes), 'access_denied', 400);
});

await check('a code can be decided once', async () => {
  const codes = await startGrant();
  await decide(codes.user_code, 'deny');
  assert.equal((await person().enterCode(codes.user_code)).status, 400);
});

await check('a foreign client cannot redeem a code, and its attempt does not use it up', async () => {
  const codes = await startGrant();
  await decide(codes.user_code, 'allow');
  const foreign = await connect(clientOf('car_rental', 'fapi2'));
  const attempt = oauth.pollDeviceAuthorizationGrant(foreign, { ...codes, interval: 0.1 }, undefined, {
    DPoP: await newDPoPHandle(foreign),
  });
  await assertRejected(attempt, 'invalid_grant', 400);
  assert.ok((await poll(codes)).access_token);
});

end();
