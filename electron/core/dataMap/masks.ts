import type { MaskName } from './map.ts';
import { pins } from '../database/pins.ts';

/**
 * Masks as SQL functions. They show enough to tell two people apart and too
 * little to write to either. No regular-expression escapes: string settings of
 * the session can't change what these bodies mean.
 */
export const maskFunctions = `
create function privacy_console.mask_text(p text) returns text language plpgsql immutable ${pins} as $function$
begin return case when p is null then null when p = '' then '' else '•••' end; end $function$;

create function privacy_console.mask_name(p text) returns text language plpgsql immutable ${pins} as $function$
declare w text[] := array_remove(string_to_array(p, ' '), '');
begin return left(w[1], 1) || '•••' || coalesce(' ' || left(w[2], 1) || '•••', '') || coalesce(' ' || left(w[3], 1) || '•••', ''); end $function$;

create function privacy_console.mask_email(p text) returns text language plpgsql immutable ${pins} as $function$
begin return case when p is null then null when position('@' in p) < 2 then '•••'
  else left(p, 1) || '•••@' || left(split_part(p, '@', 2), 1) || '•••' || coalesce('.' || nullif(reverse(split_part(reverse(split_part(p, '@', 2)), '.', 1)), split_part(p, '@', 2)), '') end; end $function$;

create function privacy_console.mask_phone(p text) returns text language plpgsql immutable ${pins} as $function$
begin return case when p is null then null when length(p) < 7 then '•••' else left(p, 3) || ' ••••• ••' || right(p, 3) end; end $function$;

create function privacy_console.mask_address(p text) returns text language plpgsql immutable ${pins} as $function$
begin return case when p is null then null when position('.' in p) > 0 then split_part(p, '.', 1) || '.' || split_part(p, '.', 2) || '.•.•' else split_part(p, ':', 1) || ':•••' end; end $function$;

create function privacy_console.mask_number(p text) returns text language plpgsql immutable ${pins} as $function$
begin return case when p is null then null else '•••' end; end $function$;
`;

/** SQL expression that masks the text expression `expression`. */
export function maskOf(mask: MaskName, expression: string): string {
  return `privacy_console.mask_${mask}(${expression})`;
}
