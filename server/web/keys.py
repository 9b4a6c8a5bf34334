"""What `app` hands to the handlers, by typed keys."""

import asyncio
from typing import Any

from aiohttp import web

from server.core.admission import Admission
from server.core.hub import Hub
from server.web.doorman import Doorman
from server.web.encryption import Encryption
from server.web.hosts import Hosts
from server.web.peer import Proxies
from server.web.ports import Documents, Exposition, Health, Typesetter

HUB = web.AppKey("HUB", Hub)
ADMISSION = web.AppKey("ADMISSION", Admission)
HEALTH = web.AppKey("HEALTH", Health)
METRICS = web.AppKey("METRICS", Exposition)
DOCUMENTS = web.AppKey("DOCUMENTS", Documents)
DOORMAN = web.AppKey("DOORMAN", Doorman)
HOSTS = web.AppKey("HOSTS", Hosts)
ENCRYPTION = web.AppKey("ENCRYPTION", Encryption)
PROXIES = web.AppKey("PROXIES", Proxies)
TYPESETTER = web.AppKey("TYPESETTER", Typesetter)
SETTINGS = web.AppKey("SETTINGS", dict[str, Any])
SCRAPE = web.AppKey("SCRAPE", asyncio.Lock)
