// Every shape that has a name in the OpenAPI document.

import type { TSchema } from 'typebox'
import {
  AppOnDeviceSchema,
  AppSchema,
  CheckedSchema,
  DeployedSchema,
  RestartedSchema,
  RevisionSchema,
  ServiceSchema,
  VersionSchema,
} from './apps.js'
import { ProblemSchema, RefusalSchema } from './basics.js'
import {
  DeviceSchema,
  FactsSchema,
  GroupSchema,
  InvitationSchema,
  JoinTokenSchema,
  MetricsSchema,
  PendingSchema,
  ReleasedSchema,
} from './devices.js'
import { EventSchema } from './events.js'
import { LinkSchema, LinkStandingSchema } from './links.js'
import { HeldSchema, PermitSchema } from './permits.js'
import { AnswerSchema, PublishedSchema, ValueSchema } from './topics.js'
import { usageSchemas } from './usage.js'
import { AccessTokenSchema, LoggedInSchema, NewUserSchema, UserSchema, WhoSchema } from './users.js'

export const sharedSchemas: readonly TSchema[] = [
  RefusalSchema,
  ProblemSchema,
  PermitSchema,
  HeldSchema,
  ServiceSchema,
  AppOnDeviceSchema,
  FactsSchema,
  MetricsSchema,
  LinkSchema,
  LinkStandingSchema,
  ...usageSchemas,
  DeviceSchema,
  ReleasedSchema,
  JoinTokenSchema,
  InvitationSchema,
  PendingSchema,
  GroupSchema,
  AppSchema,
  RestartedSchema,
  DeployedSchema,
  CheckedSchema,
  RevisionSchema,
  VersionSchema,
  AnswerSchema,
  PublishedSchema,
  ValueSchema,
  EventSchema,
  WhoSchema,
  LoggedInSchema,
  UserSchema,
  NewUserSchema,
  AccessTokenSchema,
]
