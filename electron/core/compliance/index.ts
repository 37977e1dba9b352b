export { complianceOperations, verifyExport } from './operations.ts';
