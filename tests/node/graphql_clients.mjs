// GraphQL clients against a live sandbox: node graphql_clients.mjs CREDENTIALS
// Each sends a query with variables, a document that is not valid, and one with a field that its token may not read.
import { ApolloClient, CombinedGraphQLErrors, HttpLink, InMemoryCache, gql } from '@apollo/client';
import { Client as UrqlClient, fetchExchange } from '@urql/core';
import { GraphQLClient } from 'graphql-request';
import assert from 'node:assert/strict';
import { check, credentials, end } from './checks.mjs';

const url = `${credentials.issuer}/graphql`;
const { merchant_token: token } = credentials.merchants.find((one) => one.adapter === 'online_shop');
const headers = { authorization: `Bearer ${token}` };
const VIEWER = 'query Viewer($id: ID!) { viewer { appName environment merchant { id name } } node(id: $id) { id } }';
const VARIABLES = { id: 'dec_test_unknown' };
const INVALID = '{ viewer { nothing } }';
const ASK = '{onlineOrder: {amount: {amount: "1.00", currency: "CNY"}, payWithin: "P7D"}}';
const FORBIDDEN = `{ viewer { environment } decisionPreview(input: {ask: ${ASK}}) { eligible } }`;

// Each returns { data, errors } of a document.
const request = new GraphQLClient(url, { headers, errorPolicy: 'all' });
const urql = new UrqlClient({ url, exchanges: [fetchExchange], fetchOptions: { headers }, preferGetMethod: false });
const apollo = new ApolloClient({ link: new HttpLink({ uri: url, headers }), cache: new InMemoryCache() });
const clients = {
  'graphql-request': async (document, variables) => {
    try {
      return await request.rawRequest(document, variables);
    } catch (error) {
      return { data: error.response?.data, errors: error.response?.errors };
    }
  },
  urql: async (document, variables) => {
    const { data, error } = await urql.query(document, variables ?? {}).toPromise();
    return { data, errors: error?.graphQLErrors };
  },
  'Apollo Client': async (document, variables) => {
    const query = gql(document);
    try {
      const { data, error } = await apollo.query({ query, variables, errorPolicy: 'all', fetchPolicy: 'no-cache' });
      return { data, errors: error?.errors };
    } catch (error) {
      return { errors: CombinedGraphQLErrors.is(error) ? error.errors : undefined };
    }
  },
};

for (const [name, send] of Object.entries(clients)) {
  await check(`${name} reads data with variables`, async () => {
    const { data, errors } = await send(VIEWER, VARIABLES);
    assert.deepEqual([errors?.length ?? 0, data.viewer.environment, data.node], [0, 'SANDBOX', null]);
  });
  await check(`${name} reads the code of a request error`, async () => {
    const { errors } = await send(INVALID);
    assert.equal(errors?.[0].extensions.code, 'GRAPHQL_VALIDATION_FAILED');
  });
  await check(`${name} reads data beside the error of a field`, async () => {
    const { data, errors } = await send(FORBIDDEN);
    assert.deepEqual([data?.viewer.environment, errors?.[0].extensions.code], ['SANDBOX', 'FORBIDDEN']);
  });
}
end();
