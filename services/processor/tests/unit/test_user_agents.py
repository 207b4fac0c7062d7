"""Real user agents by what sends them: a crawler must never count as a recruiter."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cv_processor.domain.redaction import user_agent_class
from cv_processor.domain.values import ClientClass

WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"
MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"
LINUX = "Mozilla/5.0 (X11; Linux x86_64)"
WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
GECKO = f"Mozilla/5.0 {WEBKIT}; compatible;"

USER_AGENTS = {
    ClientClass.BROWSER: f"""
        {WINDOWS} {WEBKIT} Chrome/131.0.0.0 Safari/537.36
        {WINDOWS} {WEBKIT} Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0
        {WINDOWS} {WEBKIT} Chrome/130.0.0.0 Safari/537.36 OPR/115.0.0.0
        {WINDOWS} {WEBKIT} Chrome/130.0.0.0 Safari/537.36 Vivaldi/7.0.3495.10
        {MAC} {WEBKIT} Chrome/131.0.0.0 Safari/537.36
        {MAC} AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.6 Safari/605.1.15
        {LINUX} {WEBKIT} Chrome/131.0.0.0 Safari/537.36
        Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {WEBKIT} Chrome/131.0.0.0 Safari/537.36
        Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:133.0) Gecko/20100101 Firefox/133.0
        Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0
        Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko
        Opera/9.80 (Windows NT 6.1; WOW64) Presto/2.12.388 Version/12.18
    """,
    ClientClass.MOBILE: f"""
        Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) Version/18.1 Mobile/15E148
        Mozilla/5.0 (iPhone; CPU iPhone OS 17_7 like Mac OS X) CriOS/131.0.6778.73 Mobile/15E148
        Mozilla/5.0 (iPad; CPU OS 17_7 like Mac OS X) Version/17.7 Mobile/15E148 Safari/604.1
        Mozilla/5.0 (Linux; Android 10; K) {WEBKIT} Chrome/131.0.0.0 Mobile Safari/537.36
        Mozilla/5.0 (Linux; Android 14; SM-S918B) {WEBKIT} SamsungBrowser/27.0 Mobile Safari/537.36
        Mozilla/5.0 (Linux; Android 14; CUBOT X50) {WEBKIT} Chrome/120.0.0.0 Mobile Safari/537.36
        Mozilla/5.0 (Android 14; Mobile; rv:133.0) Gecko/133.0 Firefox/133.0
        Dalvik/2.1.0 (Linux; U; Android 13; Pixel 7 Build/TQ3A.230901.001)
    """,
    ClientClass.BOT: f"""
        Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)
        Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X) {WEBKIT} Mobile (compatible; Googlebot/2.1)
        AdsBot-Google (+http://www.google.com/adsbot.html)
        Feedfetcher-Google; (+http://www.google.com/feedfetcher.html)
        {GECKO} bingbot/2.0; +http://www.bing.com/bingbot.htm) Chrome/116.0.1938.76 Safari/537.36
        {WINDOWS} {WEBKIT} BingPreview/1.0b
        DuckDuckBot/1.1; (+http://duckduckgo.com/duckduckbot.html)
        {MAC} AppleWebKit/605.1.15 Version/17.4 Safari/605.1.15 (Applebot/0.1)
        Mozilla/5.0 (compatible; Baiduspider/2.0; +http://www.baidu.com/search/spider.html)
        Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)
        Mozilla/5.0 (compatible; Yahoo! Slurp; http://help.yahoo.com/help/us/ysearch/slurp)
        {GECKO} GPTBot/1.2; +https://openai.com/gptbot)
        {GECKO} ChatGPT-User/1.0; +https://openai.com/bot
        {GECKO} OAI-SearchBot/1.0; +https://openai.com/searchbot
        {GECKO} ClaudeBot/1.0; +claudebot@anthropic.com)
        {GECKO} Claude-User/1.0; +Claude-User@anthropic.com)
        {GECKO} PerplexityBot/1.0; +https://perplexity.ai/perplexitybot)
        {GECKO} Perplexity-User/1.0; +https://perplexity.ai/perplexity-user)
        CCBot/2.0 (https://commoncrawl.org/faq/)
        Mozilla/5.0 (Linux; Android 5.0) {WEBKIT} Mobile Safari/537.36 (compatible; Bytespider)
        meta-externalagent/1.1 (+https://developers.facebook.com/docs/sharing/webmasters/crawler)
        facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)
        Twitterbot/1.0
        LinkedInBot/1.0 (compatible; Mozilla/5.0; Apache-HttpClient +http://www.linkedin.com)
        Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)
        Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)
        TelegramBot (like TwitterBot)
        Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5
        Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)
        Mozilla/5.0 (compatible; SemrushBot/7~bl; +http://www.semrush.com/bot.html)
        Screaming Frog SEO Spider/21.0
        ia_archiver (+http://www.alexa.com/site/help/webmasters; crawler@alexa.com)
        Mozilla/5.0 (compatible; archive.org_bot +http://archive.org/details/archive.org_bot)
        Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)
        Pingdom.com_bot_version_1.4_(http://www.pingdom.com/)
        {LINUX} {WEBKIT} HeadlessChrome/131.0.0.0 Safari/537.36
        {MAC} {WEBKIT} Chrome/131.0.0.0 Safari/537.36 Chrome-Lighthouse
        W3C_Validator/1.3 http://validator.w3.org/services
        Mozilla/5.0 (Unknown; Linux x86_64) AppleWebKit/534.34 PhantomJS/1.9.8 Safari/534.34
    """,
    ClientClass.TOOL: f"""
        curl/8.5.0
        Wget/1.21.4
        python-requests/2.32.3
        Python-urllib/3.12
        Python/3.12 aiohttp/3.11.7
        python-httpx/0.27.2
        Go-http-client/1.1
        Go-http-client/2.0
        Java/17.0.10
        Apache-HttpClient/4.5.14 (Java/11.0.20)
        aws-sdk-java/2.29.20 Linux/5.10.0 OpenJDK_64-Bit_Server_VM/17.0.10
        grpc-java-netty Grpc-Java/1.68.0
        okhttp/4.12.0
        axios/1.7.7
        node-fetch/1.0 (+https://github.com/bitinn/node-fetch)
        undici
        PostmanRuntime/7.42.0
        insomnia/10.1.1
        HTTPie/3.2.4
        libwww-perl/6.77
        Ruby
        GuzzleHttp/7
        k6/0.55.0 (https://k6.io/)
        grafana-k6/0.49.0
        Apache-HttpClient/4.5.13 (jmeter)
        {WINDOWS} WindowsPowerShell/5.1.19041.1
    """,
    ClientClass.UNKNOWN: """
        -
        CvReader/1.0
        Nook6/2.1
    """,
}


def _cases() -> Iterator[tuple[str, ClientClass]]:
    for kind, lines in USER_AGENTS.items():
        for line in lines.strip().splitlines():
            yield line.strip(), kind


@pytest.mark.parametrize(("user_agent", "kind"), list(_cases()))
def test_a_user_agent_is_of_the_class_of_what_sends_it(user_agent: str, kind: ClientClass) -> None:
    assert user_agent_class(user_agent) is kind


def test_the_table_is_of_some_size() -> None:
    assert len(dict(_cases())) >= 60
