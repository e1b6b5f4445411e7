// A term explained where it stands.
import { IconButton, Popover, Typography } from '@mui/material';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

export const TERMS = [
  'people', 'transfer', 'severity', 'coverage', 'verdict', 'around', 'rule', 'weak', 'clone', 'lost', 'contents', 'access', 'approval', 'simulate', 'explain', 'gate', 'progress', 'rings', 'contain', 'inquiry', 'answer', 'uncovered', 'roles', 'case', 'hold', 'review', 'draw', 'falseShare', 'suppress', 'search', 'dataSets', 'sinks',
] as const;

export function Help({ term }: { term: string }) {
  const { t } = useTranslation();
  const [anchor, setAnchor] = useState<HTMLElement | null>(null);
  const name = t(`help.${term}.name`);
  return (
    <>
      <IconButton size="small" aria-haspopup="dialog" aria-label={t('help.what', { term: name })} onClick={(e) => setAnchor(e.currentTarget)}
        sx={{ width: 24, height: 24, fontSize: 13, border: 1, borderColor: 'divider', color: 'text.secondary' }}>?</IconButton>
      <Popover open={anchor !== null} anchorEl={anchor} onClose={() => setAnchor(null)} anchorOrigin={{ vertical: 'bottom', horizontal: 'left' }}
        slotProps={{ paper: { role: 'dialog', 'aria-label': name, sx: { p: 2, maxWidth: 360 } } }}>
        <Typography variant="subtitle2">{name}</Typography>
        <Typography variant="body2">{t(`help.${term}.text`)}</Typography>
      </Popover>
    </>
  );
}
