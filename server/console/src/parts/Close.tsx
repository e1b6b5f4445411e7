// Closing needs a verdict; the reason is for who reads it later.
import { Box, FormControlLabel, Radio, RadioGroup, Stack, TextField, Typography } from '@mui/material';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import type { Verdict } from '../api/types';
import { DecisionDialog } from './Grant';
import { Help } from './Help';

const VERDICTS = ['true_positive', 'false_positive', 'benign'] as const;

export interface Closing {
  state: 'closed';
  verdict: Verdict;
  comment: string;
}

interface Props {
  title: string;
  busy: boolean;
  error: unknown;
  onClose: (closing: Closing) => void;
  onDone: () => void;
}

export function CloseDialog({ title, busy, error, onClose, onDone }: Props) {
  const { t } = useTranslation();
  const [verdict, setVerdict] = useState<Verdict | null>(null);
  const [comment, setComment] = useState('');
  return (
    <DecisionDialog title={title} error={error} act={t('alert.close')} busy={busy} disabled={verdict === null} onDone={onDone}
      enterActs
      onAct={() => verdict && onClose({ state: 'closed', verdict, comment: comment.trim() })}>
      <Stack direction="row" spacing={1} sx={{ alignItems: 'center' }}>
        <Typography id="verdict-label" variant="subtitle2">{t('alert.verdict')}</Typography>
        <Help term="verdict" />
      </Stack>
      <RadioGroup aria-labelledby="verdict-label" value={verdict ?? ''} onChange={(e) => setVerdict(e.target.value as Verdict)}
        onKeyDown={(event) => {
          const chosen = VERDICTS[Number(event.key) - 1];
          if (chosen) setVerdict(chosen);
        }}>
        {VERDICTS.map((word, index) => (
          <FormControlLabel key={word} value={word} control={<Radio autoFocus={word === 'true_positive'} />} sx={{ mb: 0.5 }}
            label={<>{t(`verdict.${word}`)} <Box component="kbd" aria-hidden sx={{ ml: 0.5, px: 0.75, border: 1, borderColor: 'divider', borderRadius: 0.5, color: 'text.secondary', typography: 'caption' }}>{index + 1}</Box><Typography variant="caption" component="div" color="text.secondary">{t(`verdictHelp.${word}`)}</Typography></>} />
        ))}
      </RadioGroup>
      <Typography variant="caption" color="text.secondary">{t('alert.closeKeys')}</Typography>
      <TextField multiline maxRows={6} label={t('alert.reason')} value={comment} onChange={(e) => setComment(e.target.value)} />
    </DecisionDialog>
  );
}
