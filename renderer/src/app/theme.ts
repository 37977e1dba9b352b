import {
  ActionIcon,
  Button,
  createTheme,
  Modal,
  SegmentedControl,
  type CSSVariablesResolver,
  type MantineColorsTuple,
} from '@mantine/core';

/** The one accent colour. White has 6.5:1 on shade 7 (light) and 5.3:1 on shade 6 (dark). */
const accent: MantineColorsTuple = [
  '#e6f5f6',
  '#cfe8ea',
  '#a4d4d9',
  '#7cc3cb',
  '#63c6d1',
  '#2f95a1',
  '#177682',
  '#0b6570',
  '#08525b',
  '#063f46',
];

export const theme = createTheme({
  primaryColor: 'accent',
  primaryShade: { light: 7, dark: 6 },
  autoContrast: true,
  colors: { accent },
  black: '#162027',
  fontFamily:
    "'Inter Variable', 'Noto Sans Devanagari Variable', 'Noto Sans Arabic Variable', 'Noto Color Emoji', system-ui, sans-serif",
  fontFamilyMonospace: "'IBM Plex Mono', ui-monospace, monospace",
  fontSizes: { xs: '12px', sm: '13px', md: '14px', lg: '16px', xl: '18px' },
  lineHeights: { xs: '16px', sm: '20px', md: '20px', lg: '24px', xl: '24px' },
  spacing: { xs: '4px', sm: '8px', md: '16px', lg: '24px', xl: '32px' },
  radius: { xs: '2px', sm: '4px', md: '6px', lg: '8px', xl: '12px' },
  defaultRadius: 'sm',
  headings: { fontWeight: '600' },
  respectReducedMotion: true,
  cursorType: 'pointer',
  components: {
    Button: Button.extend({
      defaultProps: { size: 'xs' },
      vars: () => ({
        root: { '--button-height': '32px', '--button-fz': '13px', '--button-padding-x': '12px' },
      }),
    }),
    ActionIcon: ActionIcon.extend({ defaultProps: { size: 32 } }),
    SegmentedControl: SegmentedControl.extend({ defaultProps: { size: 'sm' } }),
    // Inside a dialog a header is no banner of the page.
    Modal: Modal.extend({
      defaultProps: {
        centered: true,
        transitionProps: { duration: 100 },
        attributes: { header: { role: 'presentation' } },
      },
    }),
    InputWrapper: { defaultProps: { inputWrapperOrder: ['label', 'input', 'description', 'error'] } },
    TextInput: { defaultProps: { size: 'sm' } },
    PasswordInput: { defaultProps: { size: 'sm' } },
    NumberInput: { defaultProps: { size: 'sm' } },
    Textarea: { defaultProps: { size: 'sm' } },
    Select: {
      defaultProps: { size: 'sm', comboboxProps: { shadow: 'md', transitionProps: { duration: 80 } } },
    },
    MultiSelect: { defaultProps: { size: 'sm' } },
    DatePickerInput: { defaultProps: { size: 'sm' } },
    Checkbox: { defaultProps: { size: 'xs' } },
    Anchor: { defaultProps: { inherit: true } },
    Tooltip: { defaultProps: { openDelay: 400 } },
  },
});

/** Mantine's own greys fail contrast on the ground colour; the tokens replace them. */
export const cssVariables: CSSVariablesResolver = () => {
  const shared = {
    '--mantine-color-body': 'var(--panel)',
    '--mantine-color-text': 'var(--text)',
    '--mantine-color-dimmed': 'var(--dim)',
    '--mantine-color-placeholder': 'var(--dim)',
    '--mantine-color-default': 'var(--panel)',
    '--mantine-color-default-hover': 'var(--hover)',
    '--mantine-color-default-border': 'var(--line-strong)',
    '--mantine-color-default-color': 'var(--text)',
    '--mantine-color-anchor': 'var(--accent)',
    '--mantine-color-error': 'var(--bad)',
    '--input-section-color': 'var(--dim)',
  };
  // Mantine's dark is grey; ours is the ink's blue. Fields and notes lie on it.
  const dark = {
    ...shared,
    '--mantine-color-dark-6': 'var(--panel-raised)',
    '--mantine-color-dark-4': 'var(--line-strong)',
    '--mantine-color-dark-5': 'var(--line)',
    '--mantine-color-dark-8': 'var(--panel-raised)',
  };
  return { variables: {}, light: shared, dark };
};
