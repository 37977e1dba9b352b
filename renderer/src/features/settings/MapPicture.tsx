import type { ReactNode } from 'react';
import type { MapPicture as Picture } from '#shared/contract/dataMap.ts';
import { en } from '#shared/strings/en.ts';
import styles from './mapPicture.module.css';

const words = en.settings.map;

const familyStyles: Readonly<Record<string, string>> = {
  official: styles['official'] ?? '',
  contact: styles['contact'] ?? '',
  content: styles['content'] ?? '',
  behaviour: styles['behaviour'] ?? '',
  account: styles['account'] ?? '',
  other: styles['other'] ?? '',
};
const families = Object.keys(words.family) as (keyof typeof words.family)[];

/**
 * The map as a graph from the subject. Tables are buttons, one after another
 * by keys; the lines say again what stands beside the table that is chosen.
 */
export function MapPicture(props: {
  readonly picture: Picture;
  readonly chosen: string | null;
  readonly onChoose: (name: string) => void;
}): ReactNode {
  const { picture, chosen } = props;
  return (
    <div>
      <div className={styles['scroll']} role="region" aria-label={words.canvas} tabIndex={0}>
        <div className={styles['canvas']} style={{ width: picture.width, height: picture.height }}>
          <svg width={picture.width} height={picture.height} aria-hidden="true" focusable="false">
            <defs>
              <marker
                id="map-arrow"
                viewBox="0 0 8 8"
                refX="8"
                refY="4"
                markerWidth="8"
                markerHeight="8"
                orient="auto"
              >
                <path d="M 0 0 L 8 4 L 0 8 z" className={styles['arrow']} />
              </marker>
            </defs>
            {picture.edges.map((edge) => (
              <path
                key={`${edge.to} ${edge.labelY}`}
                d={edge.line}
                markerEnd="url(#map-arrow)"
                className={[
                  styles['line'],
                  edge.detached ? styles['detached'] : '',
                  chosen === edge.to || chosen === edge.from ? styles['near'] : '',
                ].join(' ')}
              />
            ))}
            {picture.edges.map((edge) => (
              <text
                key={`${edge.to} ${edge.labelY}`}
                x={edge.labelX}
                y={edge.labelY}
                textAnchor="end"
                className={styles['label']}
              >
                <title>{edge.says}</title>
                {edge.label}
              </text>
            ))}
          </svg>
          {picture.nodes.map((node) => (
            <button
              key={node.name}
              type="button"
              aria-pressed={node.name === chosen}
              className={[
                styles['node'],
                familyStyles[node.family],
                node.subject ? styles['subject'] : '',
                node.name === chosen ? styles['chosen'] : '',
              ].join(' ')}
              style={{ left: node.x, top: node.y, width: node.width, height: node.height }}
              onClick={() => {
                props.onChoose(node.name);
              }}
            >
              <strong title={node.title}>{node.title}</strong>
              <span title={node.table}>{node.table}</span>
              <span>
                {node.table === ''
                  ? words.noTable
                  : `${familyName(node.family)} · ${words.does[node.erasure]}`}
              </span>
              <span>{node.about}</span>
              <span className={styles[node.erasure] ?? ''} aria-hidden="true" />
            </button>
          ))}
        </div>
      </div>
      <ul className={styles['legend']} aria-label={words.legend}>
        {families.map((family) => (
          <li key={family}>
            <span className={`${styles['swatch'] ?? ''} ${familyStyles[family] ?? ''}`} />
            {family === 'official' ? words.officialHint : words.family[family]}
          </li>
        ))}
        <li>{words.broken}</li>
      </ul>
    </div>
  );
}

function familyName(family: string): string {
  return families.includes(family as keyof typeof words.family)
    ? words.family[family as keyof typeof words.family]
    : family;
}
