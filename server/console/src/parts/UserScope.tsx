// Which terminals a user sees, and who he is in the people register.
import { Alert, Button, Checkbox, Chip, Dialog, DialogActions, DialogContent, DialogTitle, FormControlLabel, Stack, TextField, Typography } from '@mui/material';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { useTranslation } from 'react-i18next';

import { post } from '../api/client';
import type { User } from '../api/types';
import { groupsOf } from '../groups';
import { ErrorText } from './State';

export function Groups({ groups }: { groups: string[] | null }) {
  const { t } = useTranslation();
  if (groups === null) return <>{t('scope.everything')}</>;
  if (groups.length === 0) return <>{t('scope.nothing')}</>;
  return (
    <Stack direction="row" useFlexGap sx={{ gap: 0.5, flexWrap: 'wrap' }}>
      {groups.map((group) => <Chip key={group} size="small" variant="outlined" label={group} />)}
    </Stack>
  );
}

// null: the whole fleet; a list that is empty cannot be saved.
export function GroupsField({ groups, onChange }: { groups: string[] | null; onChange: (groups: string[] | null) => void }) {
  const { t } = useTranslation();
  const [text, setText] = useState((groups ?? []).join(', '));
  return (
    <>
      <FormControlLabel label={t('scope.whole')}
        control={<Checkbox checked={groups === null} onChange={(e) => onChange(e.target.checked ? null : groupsOf(text))} />} />
      {groups !== null && (
        <TextField label={t('scope.groups')} helperText={t('scope.groupsHelp')} value={text}
          onChange={(e) => { setText(e.target.value); onChange(groupsOf(e.target.value)); }} slotProps={{ htmlInput: { maxLength: 2000 } }} />
      )}
    </>
  );
}

function Change({ user, title, path, body, isComplete, onDone, children }: { user: string; title: string; path: string; body: object; isComplete: boolean; onDone: () => void; children: ReactNode }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const save = useMutation({
    mutationFn: () => post(path, { user, ...body }),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ['users'] });
      onDone();
    },
  });
  return (
    <Dialog open onClose={onDone} fullWidth maxWidth="sm">
      <DialogTitle>{title}</DialogTitle>
      <DialogContent>
        <Stack spacing={2} sx={{ pt: 1 }}>
          {save.isError && <Alert severity="error"><ErrorText error={save.error} /></Alert>}
          {children}
        </Stack>
      </DialogContent>
      <DialogActions>
        <Button onClick={onDone}>{t('app.close')}</Button>
        <Button variant="contained" loading={save.isPending} disabled={!isComplete} onClick={() => save.mutate()}>{t('admin.save')}</Button>
      </DialogActions>
    </Dialog>
  );
}

export function EditScope({ user, onDone }: { user: User; onDone: () => void }) {
  const { t } = useTranslation();
  const [groups, setGroups] = useState<string[] | null>(user.groups);
  return (
    <Change user={user.name} title={t('scope.of', { user: user.name })} path="users:scope" body={{ groups }} isComplete={groups === null || groups.length > 0} onDone={onDone}>
      <Typography>{t('scope.does')}</Typography>
      <GroupsField groups={groups} onChange={setGroups} />
    </Change>
  );
}

export function EditPerson({ user, onDone }: { user: User; onDone: () => void }) {
  const { t } = useTranslation();
  const [person, setPerson] = useState(user.person);
  return (
    <Change user={user.name} title={t('scope.personOf', { user: user.name })} path="users:link" body={{ person: person.trim() }} isComplete onDone={onDone}>
      <Typography>{t('scope.personDoes')}</Typography>
      <TextField autoFocus label={t('scope.personId')} value={person} onChange={(e) => setPerson(e.target.value)} slotProps={{ htmlInput: { maxLength: 128 } }} />
    </Change>
  );
}
