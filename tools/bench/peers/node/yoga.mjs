// GraphQL Yoga on the HTTP server of Node.js.
import { createServer } from 'node:http'

import { GraphQLError } from 'graphql'
import { createYoga } from 'graphql-yoga'

import { closeOnTermination, readOptions } from './process.mjs'
import { schema } from './schema.mjs'
import { Store } from './store.mjs'

const { port, database } = readOptions()
const store = new Store(database)

function context ({ request }) {
  const viewer = store.authenticate(request.headers.get('authorization'))
  if (viewer) return { store, viewer }
  const http = { status: 401, headers: { 'WWW-Authenticate': 'Bearer' } }
  throw new GraphQLError('The access token is not valid.', { extensions: { http } })
}

const unused = { logging: false, graphiql: false, landingPage: false, cors: false, multipart: false }
const yoga = createYoga({ schema, context, ...unused })
const server = createServer({ keepAliveTimeout: 72_000 }, yoga)
server.listen(Number(port), '127.0.0.1')
closeOnTermination(() => {
  server.close(() => { store.close() })
  server.closeIdleConnections()
})
