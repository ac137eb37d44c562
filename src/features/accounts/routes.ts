/** All HTTP operations of identity, in the order in which the router must try them. */
import type { Ctx } from '../../context.ts'
import type { AnyEndpoint } from '../../wire/endpoint.ts'
import { sessionEndpoints } from './session-routes.ts'
import { signInEndpoints } from './sign-in-routes.ts'
import { userEndpoints } from './user-routes.ts'

export const endpoints: AnyEndpoint<Ctx>[] = [...signInEndpoints, ...sessionEndpoints, ...userEndpoints]
