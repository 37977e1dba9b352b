import type { CorrectionState, CorrectionVerdict } from '#shared/domain/corrections.ts';
import type { Batch, BatchItem } from '#shared/contract/batches.ts';
import type { MapChange, MapDifference } from '#shared/contract/dataMap.ts';
import type { ErasureOutcome, ErasurePlan, Replay } from '#shared/contract/erasure.ts';
import type { ExportRelease, ExportRow } from '#shared/contract/exports.ts';
import type { Tone } from './Basics.tsx';

export const exportTones: Readonly<Record<ExportRow['state'], Tone>> = {
  review: 'info',
  running: 'info',
  interrupted: 'warn',
  done: 'good',
  failed: 'bad',
  abandoned: 'plain',
};

export const planTones: Readonly<Record<ErasurePlan['state'], Tone>> = {
  draft: 'warn',
  awaiting: 'warn',
  approved: 'info',
  denied: 'bad',
  running: 'info',
  done: 'good',
  expired: 'plain',
};

export const outcomeTones: Readonly<Record<ErasureOutcome['outcome'], Tone>> = {
  erased: 'good',
  anonymised: 'good',
  kept: 'warn',
  not_found: 'plain',
  failed: 'bad',
};

export const batchTones: Readonly<Record<Batch['state'], Tone>> = {
  matching: 'plain',
  planning: 'warn',
  awaiting: 'warn',
  approved: 'info',
  denied: 'bad',
  running: 'info',
  done: 'good',
  cancelled: 'plain',
};

export const batchItemTones: Readonly<Record<BatchItem['state'], Tone>> = {
  unmatched: 'plain',
  matched: 'plain',
  not_found: 'plain',
  ambiguous: 'warn',
  duplicate: 'plain',
  planned: 'info',
  set_aside: 'warn',
  done: 'good',
};

export const replayTones: Readonly<Record<Replay['found'][number]['outcome'], Tone>> = {
  came_back: 'bad',
  new_since: 'plain',
  address: 'warn',
};

export const mapChangeTones: Readonly<Record<MapChange['state'], Tone>> = {
  waiting: 'warn',
  approved: 'info',
  denied: 'bad',
  superseded: 'plain',
  adopted: 'good',
  expired: 'plain',
};

export const exposureTones: Readonly<Record<MapDifference['exposure'], Tone>> = {
  more: 'warn',
  less: 'good',
  same: 'plain',
};

export const releaseTones: Readonly<Record<ExportRelease['state'], Tone>> = {
  asked: 'warn',
  approved: 'info',
  denied: 'bad',
  expired: 'plain',
};

export const correctionTones: Readonly<Record<CorrectionState, Tone>> = {
  proposed: 'plain',
  waiting: 'warn',
  ready: 'info',
  denied: 'bad',
  done: 'good',
  undone: 'plain',
  expired: 'plain',
  void: 'plain',
};

export const verdictTones: Readonly<Record<CorrectionVerdict, Tone>> = {
  fits: 'good',
  same: 'plain',
  taken: 'bad',
  forbidden: 'bad',
  unfit: 'bad',
  held: 'warn',
};
