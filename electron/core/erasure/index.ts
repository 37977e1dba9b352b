export { erasureOperations } from './operations.ts';
