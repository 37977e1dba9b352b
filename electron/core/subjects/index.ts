export {
  collectionOf,
  compiled,
  compiledAcross,
  kindInForce,
  mapInForce,
  type MapInForce,
} from './mapInForce.ts';
export { subjectOperations } from './operations.ts';
