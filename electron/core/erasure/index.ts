export { untilLetGo } from './letGo.ts';
export { erasureOperations } from './operations.ts';
export { paceOf, type Pace } from './run.ts';
export { ledgerOperations } from './ledger/operations.ts';
