export { atOnce } from './atOnce.ts';
export { eraseMany } from './many.ts';
export { erasureOperations } from './operations.ts';
export { ledgerOperations } from './ledger/operations.ts';
export { atPace, type Pace } from './letGo.ts';
export { withOneBucket } from './oneBucket.ts';
export { objectsAt } from './places.ts';
export { paceOf, runShape } from './run.ts';
