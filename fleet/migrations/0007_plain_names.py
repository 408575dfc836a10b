"""One word for one thing: names of a model, its relations and two fields. No row changes."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('fleet', '0006_identities'),
    ]

    operations = [
        migrations.RenameModel(old_name='Seat', new_name='TerminalCheck'),
        migrations.RemoveConstraint(model_name='terminalcheck', name='one_seat_per_device'),
        migrations.AlterField(
            model_name='terminalcheck',
            name='rehearsal',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='checks', to='fleet.rehearsal'),
        ),
        migrations.AlterField(
            model_name='terminalcheck',
            name='device',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='checks', to='fleet.device'),
        ),
        migrations.AddConstraint(
            model_name='terminalcheck',
            constraint=models.UniqueConstraint(fields=('rehearsal', 'device'), name='one_check_per_device'),
        ),
        migrations.RenameField(model_name='cutover', old_name='rested_at', new_name='ended_at'),
        migrations.RenameField(model_name='site', old_name='ticked_at', new_name='last_tick_at'),
    ]
