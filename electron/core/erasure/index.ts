export { erasureOperations } from './operations.ts';
export { ledgerOperations } from './ledger/operations.ts';
