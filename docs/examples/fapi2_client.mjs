// A partner's client in Node.js, with the profile fapi2: it asks a customer for consent and queries their tier.
//
//   npm install openid-client
//   node fapi2_client.mjs credentials.json
//
// `gateway sandbox up --credentials credentials.json` writes credentials.json. The program prints an address: open it
// in a browser, sign in as one of the personas, and allow the request.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import * as oauth from 'openid-client';

const credentials = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const { clients } = credentials.merchants.find((merchant) => merchant.adapter === 'car_rental');
const registered = clients.find((client) => client.profile === 'fapi2');
const { client_id, private_jwk } = registered;
// In a sandbox redirect_uri is a page of the gateway. This program listens itself.
const redirect_uri = registered.loopback_redirect_uri ?? registered.redirect_uri;

// 1. Client authentication: each request is signed with our private key. All addresses come from the server metadata.
const ES256 = { name: 'ECDSA', namedCurve: 'P-256' };
const key = await crypto.subtle.importKey('jwk', private_jwk, ES256, false, ['sign']);
const server = new URL(credentials.issuer);
const config = await oauth.discovery(server, client_id, {}, oauth.PrivateKeyJwt({ key, kid: private_jwk.kid }), {
  algorithm: 'oauth2',
  execute: server.protocol === 'http:' ? [oauth.allowInsecureRequests] : [], // only for a sandbox on this machine
});

// 2. The tokens are bound to a second key (DPoP). Keep it as long as the tokens.
const DPoP = oauth.getDPoPHandle(config, await oauth.randomDPoPKeyPair('ES256'));

// 3. Send the authorization request to the server (PAR). The browser only gets a reference to it.
const code_verifier = oauth.randomPKCECodeVerifier();
const state = oauth.randomState();
const address = await oauth.buildAuthorizationUrlWithPAR(config, {
  redirect_uri,
  state,
  code_challenge: await oauth.calculatePKCECodeChallenge(code_verifier),
  code_challenge_method: 'S256',
  authorization_details: JSON.stringify([{ type: 'score', level: 'tier', purpose: 'CAR_RENTAL', duration: 'P30D' }]),
});

// 4. The customer decides in the browser, which then returns to our redirect URI.
const { port, hostname, pathname } = new URL(redirect_uri);
const callback = new Promise((resolve) => {
  const site = createServer((request, response) => {
    const url = new URL(request.url, redirect_uri);
    response.end('Thank you. You can close this page.\n');
    if (url.pathname !== pathname) return;
    site.close();
    resolve(url);
  }).listen(port, hostname, () => console.log(`Open ${address.href}`));
});

// 5. Redeem the code for tokens. The library checks state and iss, and sends the server's DPoP nonce.
let tokens;
try {
  const checks = { pkceCodeVerifier: code_verifier, expectedState: state };
  tokens = await oauth.authorizationCodeGrant(config, await callback, checks, undefined, { DPoP });
} catch (error) {
  if (error.error !== 'access_denied') throw error;
  console.log('The customer denied the request.');
  process.exit(1);
}
console.log('Granted:', JSON.stringify(tokens.authorization_details));

// 6. Query the tier. Each request has a DPoP proof.
const queryTier = async ({ access_token }) => {
  const query = JSON.stringify({ query: '{ consentedUser { scoreTier { tier } } }' });
  const headers = new Headers({ 'content-type': 'application/json' });
  const graphql = new URL(credentials.graphql);
  const response = await oauth.fetchProtectedResource(config, access_token, graphql, 'POST', query, headers, { DPoP });
  return (await response.json()).data.consentedUser.scoreTier.tier;
};
console.log('Tier:', await queryTier(tokens));

// 7. An access token is valid for five minutes. The refresh token stays the same until the consent ends.
const refreshed = await oauth.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP });
console.log('Tier, with a new token:', await queryTier(refreshed));

// 8. Revoke the tokens when you no longer need them.
await oauth.tokenRevocation(config, tokens.refresh_token);
console.log('Tokens revoked.');
