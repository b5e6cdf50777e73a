// Mercurius on Fastify. `--jit N` compiles an operation with graphql-jit when it is executed for the Nth time.
import Fastify from 'fastify'
import mercurius from 'mercurius'

import { authenticated } from './fastify.mjs'
import { closeOnTermination, readOptions } from './process.mjs'
import { schema } from './schema.mjs'
import { Store } from './store.mjs'

const { port, database, jit } = readOptions({ jit: { type: 'string', default: '0' } })
const store = new Store(database)
const app = Fastify()
authenticated(app, store)
app.register(mercurius, { schema, jit: Number(jit), context: (request) => ({ store, viewer: request.viewer }) })
await app.listen({ host: '127.0.0.1', port: Number(port) })
closeOnTermination(async () => {
  await app.close()
  store.close()
})
