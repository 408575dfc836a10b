"""Italian. As in the captures, Yes, No and Everyone stay English; so does every text that is missing here."""

TEXTS = {
    "URL Reservations:": "Prenotazioni URL:",
    "Reserved URL": "URL prenotati",
    "User": "Utente",
    "Listen": "In ascolto",
    "Delegate": "Delega",
    "SSL Certificate bindings:": "Binding certificati SSL:",
    "IP:port": "IP:porta",
    "Hostname:port": "Nome host:porta",
    "Certificate Hash": "Hash certificato",
    "Application ID": "ID applicazione",
    "Certificate Store Name": "Nome archivio certificati",
    "Verify Client Certificate Revocation": "Verifica revoca certificati client",
    "Verify Revocation Using Cached Client Certificate Only": "Verifica revoca solo con certificati client memorizzati",
    "Usage Check": "Controllo utilizzo",
    "Revocation Freshness Time": "Intervallo aggiornamento revoca",
    "URL Retrieval Timeout": "Timeout recupero URL",
    "Ctl Identifier": "Identificatore elenco",
    "Ctl Store Name": "Nome archivio elenco",
    "DS Mapper Usage": "Utilizzo mapper DS",
    "Negotiate Client Certificate": "Negoziazione certificato client",
    "Reject Connections": "Rifiuta connessioni",
    "Enabled": "Abilitato",
    "Disabled": "Disabilitato",
    "Not Set": "Non impostato",
    "IP addresses present in the IP listen list:": "Indirizzi IP presenti nell'elenco di ascolto IP:",
    "URL reservation successfully added": "Prenotazione URL aggiunta. Attività completata.",
    "URL reservation successfully deleted": "Prenotazione URL eliminata. Attività completata.",
    "SSL Certificate successfully added": "Certificato SSL aggiunto. Attività completata.",
    "SSL Certificate successfully deleted": "Certificato SSL eliminato. Attività completata.",
    "Url reservation add failed": "Impossibile aggiungere la prenotazione URL",
    "URL reservation delete failed": "Impossibile eliminare la prenotazione URL",
    "SSL Certificate add failed": "Impossibile aggiungere il certificato SSL",
    "SSL Certificate deletion failed": "Impossibile eliminare il certificato SSL",
    "Create SDDL failed": "Impossibile creare SDDL",
    "Error": "Errore",
    "The system cannot find the file specified.": "Impossibile trovare il file specificato.",
    "Access is denied.": "Accesso negato.",
    "The parameter is incorrect.": "Parametro non corretto.",
    "Cannot create a file when that file already exists.": "Impossibile creare un file, se il file esiste già.",
    "A specified logon session does not exist. It may already have been terminated.": (
        "La sessione di accesso specificata non esiste. È possibile che sia già stata terminata."
    ),
    "No mapping between account names and security IDs was done.": (
        "Nessun mapping tra nomi di account e ID di sicurezza effettuato."
    ),
    "One or more essential parameters were not entered.": "Uno o più parametri essenziali non sono stati immessi.",
    "Usage": "Sintassi",
    "The following command was not found": "Comando non trovato",
    "NT AUTHORITY\\NETWORK SERVICE": "NT AUTHORITY\\SERVIZIO DI RETE",
    "NT AUTHORITY\\LOCAL SERVICE": "NT AUTHORITY\\SERVIZIO LOCALE",
    "FAILED": "OPERAZIONI NON RIUSCITE",
    "RESTART": "RIAVVIA",
    "Delay": "Ritardo",
    "milliseconds.": "millisecondi.",
    "Enum: entriesRead": "Enum: voci lette",
    "SUCCESS": "OPERAZIONI RIUSCITE",
    "A stop control has been sent to a service that other running services are dependent on.": (
        "Un controllo di interruzione è stato inviato a un servizio da cui dipendono altri servizi in esecuzione."
    ),
    "An instance of the service is already running.": "Un'istanza del servizio è già in esecuzione.",
    "The service cannot be started, either because it is disabled or because it has no enabled devices associated with it.": (
        "Impossibile avviare il servizio. Il servizio è disabilitato oppure nessun dispositivo attivato è associato a esso."
    ),
    "The specified service does not exist as an installed service.": (
        "Il servizio specificato non esiste come servizio installato."
    ),
    "The service cannot accept control messages at this time.": (
        "In questo momento il servizio non può accettare messaggi di controllo."
    ),
    "The service has not been started.": "Il servizio non è stato avviato.",
}
