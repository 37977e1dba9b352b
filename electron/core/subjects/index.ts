export { collectionOf, compiled, mapInForce, type MapInForce } from './mapInForce.ts';
export { subjectOperations } from './operations.ts';
