// The device grant by openid-client, which polls by itself, and oauth4webapi, which is told when:
// node device_grant.mjs CREDENTIALS
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import * as stepwise from 'oauth4webapi';
import * as oauth from 'openid-client';
import { challenged, check, clientOf, end, refused } from './checks.mjs';
import { ask, authentication, connect, person, prover } from './partner.mjs';

const own = clientOf('online_shop', 'fapi2');
const config = await connect(own);
const server = config.serverMetadata();
const DPoP = await prover(config);
const SALE = {
  type: 'decision',
  products: ['PAY_LATER'],
  maximum_amount: { amount: '268.00', currency: 'CNY' },
  store_id: 'Store 17',
  terminal_id: 'T-3',
};
const LOOK = { type: 'score', level: 'tier' };

const begun = (details = [SALE, LOOK]) =>
  oauth.initiateDeviceAuthorization(config, { authorization_details: JSON.stringify(details) });

/** What a person sees who types this code, and the page after their decision. */
async function decided(user_code, decision) {
  const browser = person();
  const shown = await browser.type(user_code);
  return { shown, done: await browser.submit(shown, '/device', { decision }) };
}

/** One poll, and once more where a nonce is wanted. */
async function poll({ device_code }, handle = DPoP) {
  const proving = { DPoP: handle, [stepwise.allowInsecureRequests]: true };
  const once = async () => stepwise.processDeviceCodeResponse(server, own, await stepwise.deviceCodeGrantRequest(
    server, own, await authentication(own), device_code, proving));
  return once().catch((error) => {
    if (stepwise.isDPoPNonceError(error)) return once();
    throw error;
  });
}

await check('a till gets its codes, and what it shows', async () => {
  const given = await begun();
  assert.match(given.user_code, /^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/);
  assert.equal(given.verification_uri, `${server.issuer}/device`);
  assert.equal(new URL(given.verification_uri_complete).searchParams.get('user_code'), given.user_code);
  assert.deepEqual([given.expires_in, given.interval], [600, 5]);
});

await check('a sale without a till is refused', () => {
  const { store_id, ...bare } = SALE;
  return refused(begun([bare]), 'invalid_authorization_details', 400);
});
await check('an unknown scope is refused', () =>
  refused(oauth.initiateDeviceAuthorization(config, { scope: 'everything' }), 'invalid_scope', 400));
await check('a wrong key is refused', async () => {
  const { privateKey } = await oauth.randomDPoPKeyPair('ES256');
  const stranger = await connect(own, { key: privateKey });
  await refused(oauth.initiateDeviceAuthorization(stranger, { scope: 'score:tier' }), 'invalid_client', 401);
});

await check('who polls too early is slowed down, and who then waits is heard', async () => {
  const given = await begun();
  await refused(poll(given), 'authorization_pending', 400);
  await refused(poll(given), 'slow_down', 400);
  await sleep(10_000);
  await refused(poll(given), 'authorization_pending', 400);
});

await check('the page prefills the code of the complete address, and does nothing by itself', async () => {
  const given = await begun();
  const browser = person();
  const page = await browser.open(given.verification_uri_complete);
  assert.ok(page.text.includes(given.user_code));
  await refused(poll(given), 'authorization_pending', 400);
  const shown = await browser.submit(page, '/device', {});
  for (const said of ['Demo Online Shop', 'Store 17', 'T-3', given.user_code]) {
    assert.ok(shown.text.includes(said), said);
  }
  await refused(poll(given), 'slow_down', 400);
});

await check('waits until the person allows it, and gets a token for this sale', async () => {
  const given = await begun();
  const [tokens, { done }] = await Promise.all([
    oauth.pollDeviceAuthorizationGrant(config, given, undefined, { DPoP }),
    decided(given.user_code.toLowerCase().replace('-', ' '), 'allow'),
  ]);
  assert.equal(done.status, 200);
  assert.equal(tokens.token_type, 'dpop');
  assert.equal(tokens.refresh_token, undefined);
  const [sale] = tokens.authorization_details;
  assert.deepEqual([sale.store_id, sale.terminal_id, sale.maximum_amount], ['Store 17', 'T-3', SALE.maximum_amount]);
  assert.equal((await ask(config, tokens.access_token, DPoP)).data.consentedUser.scoreTier.tier, 'EXCELLENT');
  await challenged(ask(config, tokens.access_token), 'bearer', 'invalid_token');
  await refused(poll(given), 'invalid_grant', 400);
});

await check('hears that the person does not allow it', async () => {
  const given = await begun();
  await decided(given.user_code, 'deny');
  await refused(poll(given), 'access_denied', 400);
});

await check('a code is decided once', async () => {
  const given = await begun();
  await decided(given.user_code, 'deny');
  assert.equal((await person().type(given.user_code)).status, 400);
});

await check("a foreign client's poll is refused, and the code stays its owner's", async () => {
  const given = await begun();
  await decided(given.user_code, 'allow');
  const foreign = await connect(clientOf('car_rental', 'fapi2'));
  const tried = oauth.pollDeviceAuthorizationGrant(foreign, { ...given, interval: 0.1 }, undefined, {
    DPoP: await prover(foreign),
  });
  await refused(tried, 'invalid_grant', 400);
  assert.ok((await poll(given)).access_token);
});

end();
