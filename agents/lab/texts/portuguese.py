"""Portuguese as in Brazil. A text that is missing here is printed in English."""

TEXTS = {
    "URL Reservations:": "Reservas de URL:",
    "Reserved URL": "URL reservada",
    "User": "Usuário",
    "Listen": "Escutar",
    "Delegate": "Delegar",
    "Yes": "Sim",
    "No": "Não",
    "SSL Certificate bindings:": "Ligações do Certificado SSL:",
    "IP:port": "IP:porta",
    "Hostname:port": "Nome do host:porta",
    "Certificate Hash": "Hash do Certificado",
    "Application ID": "ID do Aplicativo",
    "Certificate Store Name": "Nome do Repositório de Certificados",
    "Verify Client Certificate Revocation": "Verificar Revogação de Certificado do Cliente",
    "Verify Revocation Using Cached Client Certificate Only": "Verificar Revogação Usando Só o Certificado em Cache",
    "Usage Check": "Verificação de Uso",
    "Revocation Freshness Time": "Tempo de Atualização da Revogação",
    "URL Retrieval Timeout": "Tempo Limite de Recuperação da URL",
    "Ctl Identifier": "Identificador da CTL",
    "Ctl Store Name": "Nome do Repositório da CTL",
    "DS Mapper Usage": "Uso do Mapeador DS",
    "Negotiate Client Certificate": "Negociar Certificado do Cliente",
    "Reject Connections": "Rejeitar Conexões",
    "Enabled": "Habilitado",
    "Disabled": "Desabilitado",
    "Not Set": "Não Definido",
    "IP addresses present in the IP listen list:": "Endereços IP presentes na lista de escuta IP:",
    "URL reservation successfully added": "Reserva de URL adicionada com êxito",
    "URL reservation successfully deleted": "Reserva de URL excluída com êxito",
    "SSL Certificate successfully added": "Certificado SSL adicionado com êxito",
    "SSL Certificate successfully deleted": "Certificado SSL excluído com êxito",
    "Url reservation add failed": "Falha ao adicionar reserva de URL",
    "URL reservation delete failed": "Falha ao excluir reserva de URL",
    "SSL Certificate add failed": "Falha ao adicionar certificado SSL",
    "SSL Certificate deletion failed": "Falha ao excluir certificado SSL",
    "Create SDDL failed": "Falha ao criar SDDL",
    "Error": "Erro",
    "The system cannot find the file specified.": "O sistema não pode encontrar o arquivo especificado.",
    "Access is denied.": "Acesso negado.",
    "The parameter is incorrect.": "Parâmetro incorreto.",
    "Cannot create a file when that file already exists.": "Não é possível criar um arquivo já existente.",
    "A specified logon session does not exist. It may already have been terminated.": (
        "Uma sessão de logon especificada não existe. É possível que já tenha sido finalizada."
    ),
    "No mapping between account names and security IDs was done.": (
        "Não foi feito mapeamento entre os nomes de conta e as identificações de segurança."
    ),
    "One or more essential parameters were not entered.": "Um ou mais parâmetros essenciais não foram inseridos.",
    "Usage": "Uso",
    "The following command was not found": "O seguinte comando não foi encontrado",
    "\\Everyone": "\\Todos",
    "BUILTIN\\Users": "BUILTIN\\Usuários",
    "BUILTIN\\Administrators": "BUILTIN\\Administradores",
    "NT AUTHORITY\\NETWORK SERVICE": "AUTORIDADE NT\\SERVIÇO DE REDE",
    "NT AUTHORITY\\LOCAL SERVICE": "AUTORIDADE NT\\SERVIÇO LOCAL",
    "NT AUTHORITY\\SYSTEM": "AUTORIDADE NT\\SISTEMA",
    "NT AUTHORITY\\Authenticated Users": "AUTORIDADE NT\\Usuários autenticados",
    "FAILED": "FALHA",
    "RESTART": "REINICIAR",
    "Delay": "Atraso",
    "milliseconds.": "milissegundos.",
    "Enum: entriesRead": "Enum: entradas lidas",
    "SUCCESS": "ÊXITO",
    "A stop control has been sent to a service that other running services are dependent on.": (
        "Um controle de parada foi enviado a um serviço do qual outros serviços em execução são dependentes."
    ),
    "An instance of the service is already running.": "Uma cópia do serviço já está em execução.",
    "The service cannot be started, either because it is disabled or because it has no enabled devices associated with it.": (
        "O serviço não pode ser iniciado porque está desabilitado ou porque não há dispositivos habilitados associados a ele."
    ),
    "The specified service does not exist as an installed service.": (
        "O serviço especificado não existe como serviço instalado."
    ),
    "The service cannot accept control messages at this time.": (
        "O serviço não pode aceitar mensagens de controle neste momento."
    ),
    "The service has not been started.": "O serviço não foi iniciado.",
}
