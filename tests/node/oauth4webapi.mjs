// oauth4webapi, which leaves every step to its caller, against a live sandbox: node oauth4webapi.mjs CREDENTIALS
import assert from 'node:assert/strict';
import * as oauth from 'oauth4webapi';
import { Browser } from './browser.mjs';
import {
  challenged, check, clientOf, credentials, end, JSON_BODY, QUERY, refused, SCORE, signingKey,
} from './checks.mjs';

const issuer = new URL(credentials.issuer);
const graphql = new URL(credentials.graphql);
const OVER_HTTP = { [oauth.allowInsecureRequests]: true };
const own = clientOf('online_shop', 'fapi2');
const client = { client_id: own.client_id };
const proof = oauth.PrivateKeyJwt({ key: await signingKey(own.private_jwk), kid: own.private_jwk.kid });
const { redirect_uri } = own;
const DETAIL = { ...SCORE, purpose: 'ONLINE_PURCHASE' };
const asHandle = async (alg = 'ES256') => oauth.DPoP(client, await oauth.generateKeyPair(alg));
const DPoP = await asHandle();

const server = await check('discovers the server', async () => {
  const answer = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...OVER_HTTP });
  const found = await oauth.processDiscoveryResponse(issuer, answer);
  assert.deepEqual(found.code_challenge_methods_supported, ['S256']);
  assert.ok(found.dpop_signing_alg_values_supported.includes('ES256'));
  return found;
});

await check('finds the server from the address of the API', async () => {
  const answer = await oauth.resourceDiscoveryRequest(graphql, OVER_HTTP);
  const found = await oauth.processResourceDiscoveryResponse(graphql, answer);
  assert.deepEqual(found.authorization_servers, [issuer.origin]);
});

/** A pushed request, and the code_verifier that belongs to it. */
async function pushed(changed = {}, authentication = proof) {
  const verifier = oauth.generateRandomCodeVerifier();
  const answer = await oauth.pushedAuthorizationRequest(server, client, authentication, {
    client_id: own.client_id,
    response_type: 'code',
    redirect_uri,
    state: 'a state',
    authorization_details: JSON.stringify([DETAIL]),
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    ...changed,
  }, OVER_HTTP);
  return { answer, verifier };
}

/** The parameters of the answer that the customer's decision sends, and the code_verifier. */
async function answered(decision = 'allow') {
  const { answer, verifier } = await pushed();
  const { request_uri } = await oauth.processPushedAuthorizationResponse(server, client, answer);
  const address = new URL(server.authorization_endpoint);
  address.search = new URLSearchParams({ client_id: own.client_id, request_uri });
  const persona = credentials.personas.find((one) => one.handle === 'excellent');
  return { back: await new Browser(credentials.issuer, persona).decide(address, decision), verifier };
}

/** Sends a token request, and once more where a nonce is wanted: this client leaves that to its caller. */
async function withNonce(send, read, handle = DPoP) {
  const once = async () => read(server, client, await send({ DPoP: handle, ...OVER_HTTP }));
  return once().catch((error) => {
    if (oauth.isDPoPNonceError(error)) return once();
    throw error;
  });
}

const redeemed = ({ back, verifier }, handle) => {
  const found = oauth.validateAuthResponse(server, client, back, 'a state');
  return withNonce((options) =>
    oauth.authorizationCodeGrantRequest(server, client, proof, found, redirect_uri, verifier, options),
  oauth.processAuthorizationCodeResponse, handle);
};
const refreshed = (refresh_token) => withNonce((options) =>
  oauth.refreshTokenGrantRequest(server, client, proof, refresh_token, options), oauth.processRefreshTokenResponse);
const call = (token, handle = DPoP) => oauth.protectedResourceRequest(
  token, 'POST', graphql, JSON_BODY, QUERY, { DPoP: handle, ...OVER_HTTP });

await check('a pushed request is answered by 201 with a life below ten minutes', async () => {
  const { answer } = await pushed();
  assert.equal(answer.status, 201);
  assert.equal(answer.headers.get('cache-control'), 'no-store');
  const { expires_in } = await oauth.processPushedAuthorizationResponse(server, client, answer);
  assert.ok(expires_in > 0 && expires_in < 600);
});

await check('a request_uri inside a pushed request is refused', async () => {
  const { answer } = await pushed({ request_uri: 'urn:ietf:params:oauth:request_uri:other' });
  await refused(oauth.processPushedAuthorizationResponse(server, client, answer), 'invalid_request', 400);
});

await check('a wrong key is refused', async () => {
  const { privateKey } = await oauth.generateKeyPair('ES256');
  const { answer } = await pushed({}, oauth.PrivateKeyJwt({ key: privateKey, kid: own.private_jwk.kid }));
  await refused(oauth.processPushedAuthorizationResponse(server, client, answer), 'invalid_client', 401);
});

const first = await check('the token endpoint asks for a nonce, and has not used up the code', async () => {
  const given = await answered();
  const found = oauth.validateAuthResponse(server, client, given.back, 'a state');
  const handle = await asHandle();
  const request = () => oauth.authorizationCodeGrantRequest(
    server, client, proof, found, redirect_uri, given.verifier, { DPoP: handle, ...OVER_HTTP });
  const error = await oauth.processAuthorizationCodeResponse(server, client, await request()).then(
    () => assert.fail('accepted'), (reason) => reason);
  assert.ok(oauth.isDPoPNonceError(error), error.message);
  assert.equal(error.status, 400);
  const answer = await request();
  assert.ok(answer.headers.get('dpop-nonce'));
  assert.equal(answer.headers.get('cache-control'), 'no-store');
  const tokens = await oauth.processAuthorizationCodeResponse(server, client, answer);
  assert.equal(tokens.token_type, 'dpop');
  assert.deepEqual(tokens.authorization_details, [DETAIL]);
  return { tokens, handle };
});

await check('reads the tier', async () => {
  const answer = await call(first.tokens.access_token, first.handle);
  assert.equal((await answer.json()).data.consentedUser.scoreTier.tier, 'EXCELLENT');
});

await check('at the API, too, a nonce is asked for by a challenge', async () => {
  // The digest of the token is right and the key is right: only the nonce is missing.
  const pair = await oauth.generateKeyPair('Ed25519');
  const tokens = await redeemed(await answered(), oauth.DPoP(client, pair));
  const fresh = oauth.DPoP(client, pair);
  await challenged(call(tokens.access_token, fresh), 'dpop', 'use_dpop_nonce');
  assert.equal((await call(tokens.access_token, fresh)).status, 200);
});

await check('refreshes without rotation', async () => {
  await refreshed(first.tokens.refresh_token);
  const given = await refreshed(first.tokens.refresh_token);
  assert.equal((await call(given.access_token)).status, 200);
});

await check('an old proof is refused a second time', async () => {
  // A handle whose proofs all carry the same jti: the second is a replay.
  const repeats = { [oauth.modifyAssertion]: (_, payload) => Object.assign(payload, { jti: 'the same' }) };
  const handle = oauth.DPoP(client, await oauth.generateKeyPair('ES256'), repeats);
  const given = await redeemed(await answered(), handle);
  assert.equal((await call(given.access_token, handle)).status, 200);
  await challenged(call(given.access_token, handle), 'dpop', 'invalid_dpop_proof');
});

const bends = { method: { htm: 'GET' }, address: { htu: `${issuer.origin}/other` }, token: { ath: 'x' } };
for (const [what, bent] of Object.entries(bends)) {
  await check(`a proof for another ${what} is refused at the API`, async () => {
    const pair = await oauth.generateKeyPair('ES256');
    const given = await redeemed(await answered(), oauth.DPoP(client, pair));
    const handle = oauth.DPoP(client, pair, { [oauth.modifyAssertion]: (_, payload) => Object.assign(payload, bent) });
    await challenged(call(given.access_token, handle), 'dpop', 'invalid_dpop_proof');
  });
}

await check('a code that is replayed ends the first tokens', async () => {
  const given = await answered();
  const tokens = await redeemed(given);
  assert.equal((await call(tokens.access_token)).status, 200);
  await refused(redeemed(given), 'invalid_grant', 400);
  await challenged(call(tokens.access_token), 'dpop', 'invalid_token');
});

await check('a wrong code_verifier is refused', async () =>
  refused(redeemed({ ...(await answered()), verifier: oauth.generateRandomCodeVerifier() }), 'invalid_grant', 400));

await check('a denial is an error answer with iss', async () => {
  const { back } = await answered('deny');
  assert.equal(back.searchParams.get('iss'), issuer.origin);
  const read = () => oauth.validateAuthResponse(server, client, back, 'a state');
  assert.throws(read, (error) => error.error === 'access_denied');
});

await check('introspects and revokes', async () => {
  const { access_token } = await redeemed(await answered());
  const look = async () => oauth.processIntrospectionResponse(server, client,
    await oauth.introspectionRequest(server, client, proof, access_token, OVER_HTTP));
  assert.equal((await look()).cnf.jkt, await DPoP.calculateThumbprint());
  const answer = await oauth.revocationRequest(server, client, proof, access_token, OVER_HTTP);
  assert.equal(await oauth.processRevocationResponse(answer), undefined);
  assert.deepEqual({ ...(await look()) }, { active: false });
});

await check('client credentials give a bound token', async () => {
  const tokens = await withNonce((options) =>
    oauth.clientCredentialsGrantRequest(server, client, proof, { scope: 'decisions:read' }, options),
  oauth.processClientCredentialsResponse);
  assert.equal(tokens.token_type, 'dpop');
  assert.equal(tokens.scope, 'decisions:read');
});

end();
