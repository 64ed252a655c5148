import { Module, type DynamicModule, type Type } from '@nestjs/common';
import { APP_FILTER, APP_GUARD } from '@nestjs/core';
import type { Logger } from 'pino';
import type { ApiSettings } from '../client/api-settings.ts';
import { AccessGuard } from './access/access-guard.ts';
import { Authentication } from './access/authentication.ts';
import { SessionController } from './access/session-controller.ts';
import { BatchAccess } from './batches/batch-access.ts';
import { BatchesController } from './batches/batches-controller.ts';
import { ControlController } from './batches/control-controller.ts';
import { CreateBatch } from './batches/create-batch.ts';
import { JobsController } from './batches/jobs-controller.ts';
import { PlanController } from './batches/plan-controller.ts';
import { Standings } from './batches/standings.ts';
import { CatalogueController } from './catalogue/catalogue-controller.ts';
import { EngineController } from './catalogue/engine-controller.ts';
import { EngineLink } from './engine-link.ts';
import { EventsController } from './events/events-controller.ts';
import { Feeds } from './events/feeds.ts';
import { WebhooksController } from './events/webhooks-controller.ts';
import { FilesController } from './files/files-controller.ts';
import { Thumbnails } from './files/thumbnails.ts';
import { DocsController } from './docs/docs-controller.ts';
import { openApiDocument } from './docs/document.ts';
import { HealthController } from './health/health-controller.ts';
import { IntakeController } from './intake/intake-controller.ts';
import { ApiMetrics } from './metrics/api-metrics.ts';
import { MetricsController } from './metrics/metrics-controller.ts';
import { MoneyController } from './money/money-controller.ts';
import { InboxController } from './people/inbox-controller.ts';
import { ReviewsController } from './people/reviews-controller.ts';
import { CreateSchedule } from './schedules/create-schedule.ts';
import { SchedulesController } from './schedules/schedules-controller.ts';
import { ProblemFilter } from './http/problem-filter.ts';
import { documentToken, homeToken, loggerToken, settingsToken } from './tokens.ts';

/** Every endpoint is in one of these. */
export const controllers: Type[] = [
  BatchesController,
  IntakeController,
  PlanController,
  JobsController,
  ControlController,
  FilesController,
  EventsController,
  WebhooksController,
  InboxController,
  ReviewsController,
  MoneyController,
  SchedulesController,
  CatalogueController,
  EngineController,
  HealthController,
  MetricsController,
  SessionController,
  DocsController,
];

export interface ApiOptions {
  home: string;
  settings: ApiSettings;
  engine: EngineLink;
  log: Logger;
  /** Of the package. */
  version: string;
  /** Whether requests are parts of traces. @default false */
  traced?: boolean;
}

@Module({})
class ApiModule {}

export function apiModule(
  { home, settings, engine, log, version }: ApiOptions,
  authentication: Authentication,
  metrics: ApiMetrics,
): DynamicModule {
  return {
    module: ApiModule,
    controllers,
    providers: [
      { provide: homeToken, useValue: home },
      { provide: settingsToken, useValue: settings },
      { provide: loggerToken, useValue: log },
      { provide: EngineLink, useValue: engine },
      { provide: documentToken, useValue: openApiDocument(controllers, version) },
      { provide: Authentication, useValue: authentication },
      { provide: ApiMetrics, useValue: metrics },
      BatchAccess,
      CreateBatch,
      CreateSchedule,
      Standings,
      Feeds,
      Thumbnails,
      { provide: APP_GUARD, useClass: AccessGuard },
      { provide: APP_FILTER, useClass: ProblemFilter },
    ],
  };
}
