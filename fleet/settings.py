"""Settings, read only from the environment. Without any variable, all data lies under var/, with an SQLite database and
a broker on a local socket, as `manage.py demo` uses them."""

import os
from pathlib import Path

import dj_database_url
from csp.constants import NONCE, NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.core.management.utils import get_random_secret_key

BASE_DIR = Path(__file__).resolve().parent.parent


def env(name: str, default: str | None = None) -> str:
    """The content of the file that NAME_FILE names, or else the variable NAME, or else the default. Raises
    ImproperlyConfigured where there is none of them."""
    if file := os.environ.get(f"{name}_FILE"):
        return Path(file).read_text(encoding="utf-8").strip()
    value = os.environ.get(name, default)
    if value is None:
        raise ImproperlyConfigured(f"set {name} or {name}_FILE")
    return value


def env_bool(name: str, default: bool) -> bool:
    """True for "true", False for "false". Raises ImproperlyConfigured for anything else."""
    value = env(name, str(default)).lower()
    if value not in ("true", "false"):
        raise ImproperlyConfigured(f"{name} must be true or false, not {value!r}")
    return value == "true"


# --- where data lives ---------------------------------------------------------------------------

DATA_DIR = Path(env("TILLWAY_DATA", str(BASE_DIR / "var" / "data"))).resolve()
KEYS_DIR = Path(env("TILLWAY_KEYS", str(DATA_DIR / "keys"))).resolve()


def _secret_key() -> str:
    """From the environment, or made once and stored with the other keys."""
    if "TILLWAY_SECRET_KEY" in os.environ or "TILLWAY_SECRET_KEY_FILE" in os.environ:
        return env("TILLWAY_SECRET_KEY")
    path = KEYS_DIR / "secret_key"
    if not path.exists():
        KEYS_DIR.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
                file.write(get_random_secret_key())
        except FileExistsError:
            pass  # another of our processes was faster; its key is read below
    return path.read_text(encoding="utf-8")


SECRET_KEY = _secret_key()

# --- security -----------------------------------------------------------------------------------

DEBUG = env_bool("TILLWAY_DEBUG", False)
# The demo speaks plain HTTP on the loopback; everywhere else cookies and pages are HTTPS only.
INSECURE_COOKIES = env_bool("TILLWAY_INSECURE_COOKIES", False)
ALLOWED_HOSTS = env("TILLWAY_HOSTS", "localhost,127.0.0.1,[::1]").split(",")
CSRF_TRUSTED_ORIGINS = [o for o in env("TILLWAY_ORIGINS", "").split(",") if o]
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = not INSECURE_COOKIES
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env_bool("TILLWAY_BEHIND_PROXY", False) else None
SECURE_HSTS_SECONDS = 0 if INSECURE_COOKIES else 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = not INSECURE_COOKIES
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "fleet.web.errors.csrf_failure"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:"],
        "connect-src": [SELF],
        "font-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024

# --- Django -------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "csp",
    "django_htmx",
    "fleet.apps.FleetConfig",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "fleet.api.problems.ProblemMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "fleet.web.errors.NotAllowedPage",
]
ROOT_URLCONF = "fleet.urls"
ASGI_APPLICATION = "fleet.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": False,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "fleet.web.context.csp_nonce",
            ],
        },
    },
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "fleet"
LOGOUT_REDIRECT_URL = "login"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LANGUAGE_CODE = "en-gb"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"
STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]

# --- database -----------------------------------------------------------------------------------

DATABASES = {"default": dj_database_url.parse(env("DATABASE_URL", f"sqlite:///{DATA_DIR / 'tillway.sqlite3'}"))}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # IMMEDIATE: a transaction takes the write lock at its beginning, so two never deadlock.
    # FULL: an instruction is on disk before an agent gets it. That still allows 4,200 commits a second, which is plenty.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
    }
    # A file, so that tests with threads meet the same locks as in production.
    DATABASES["default"]["TEST"] = {"NAME": DATA_DIR / "test.sqlite3"}

# --- broker and Celery --------------------------------------------------------------------------

REDIS_URL = env("REDIS_URL", f"unix://{DATA_DIR / 'broker.sock'}")
CELERY_BROKER_URL = REDIS_URL.replace("unix://", "redis+socket://", 1)
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_WORKER_PREFETCH_MULTIPLIER = 4
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
# A web request must not wait for a dead broker: the sweep finds what was not notified.
CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_connect_timeout": 2, "socket_timeout": 5}
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0, "interval_step": 0.1}

# --- gateway ------------------------------------------------------------------------------------

GATEWAY_URL = env("TILLWAY_GATEWAY_URL", "wss://127.0.0.1:8443/agent")
TICK_SECONDS = float(env("TILLWAY_TICK_SECONDS", "1"))
KEEP_DAYS = int(env("TILLWAY_KEEP_DAYS", "400"))
if KEEP_DAYS < 1:
    raise ImproperlyConfigured("TILLWAY_KEEP_DAYS must be at least 1")
# false for a process that must not see the keys of the gateway and the worker, which is the web process.
SIGNS = env_bool("TILLWAY_SIGNS", True)

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    # One line per event, whatever it contains, because messages and tracebacks may quote text from agents.
    "formatters": {"plain": {"()": "agents.log.Formatter"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["console"], "level": env("TILLWAY_LOG_LEVEL", "INFO")},
}
