"""Made-up secrets of some 160 vendors, in the formats that their documentation shows, and names for those without one.

The kinds are those that public scanners list and that a text can tell by themselves. Left out are ids and public keys
(`pk_live_…`, client ids, `AC…` and `SK…` of Twilio), what only a vendor's name nearby makes a secret, what is retired
(`GR1348941…` of GitLab) or for tests alone (`EZTK…` of EasyPost), and what nobody documents (`4b1d…`, `cmVmd…`).

A format is written as it is read: `<20 U>` stands for twenty characters of the alphabet U.
"""

import random
import re
from collections.abc import Callable
from string import ascii_letters, ascii_lowercase, ascii_uppercase, digits

ALPHABETS = {
    "A": ascii_letters + digits,
    "U": ascii_letters + digits + "-_",  # safe in URLs
    "W": ascii_letters + digits + "_",
    "B": ascii_letters + digits + "+/",  # Base64
    "H": "0123456789abcdef",
    "L": ascii_lowercase + digits,
    "C": ascii_uppercase + digits,
    "T": ascii_uppercase + "234567",  # Base32
    "X": ascii_letters,
    "D": digits,
}
UUID = "<8 H>-<4 H>-4<3 H>-<4 H>-<12 H>"

SHAPED = f"""
1Password account key       A3-<6 C>-<11 C>-<5 C>-<5 C>-<5 C>
1Password account key 2     A3-<6 C>-<6 C>-<5 C>-<5 C>-<5 C>-<5 C>
1Password service account   ops_eyJ<300 B>
Adafruit IO                 aio_<28 A>
Adobe client secret         p8e-<32 A>
age                         AGE-SECRET-KEY-1<58 C>
Airtable                    pat<14 A>.<64 H>
Alibaba access key          LTAI<20 A>
Amazon access key           AKIA<16 T>
Amazon temporary key        ASIA<16 T>
Amazon bearer key           ABIA<16 T>
Amazon context key          ACCA<16 T>
Amazon Bedrock              ABSK<132 B>
Amazon Bedrock, short       bedrock-api-key-YmVkcm9jay5hbWF6b25hd3MuY29t<60 B>
Anthropic                   sk-ant-api03-<93 U>AA
Anthropic admin             sk-ant-admin01-<93 U>AA
Apify                       apify_api_<36 A>
Artifactory                 AKCp<69 A>
Atlassian                   ATATT3xFfGF0<160 U>=<8 C>
Authress                    authress_<12 L>.<5 L>.acc-<20 L>.<60 L>
Azure AD                    <3 A>8Q~<34 A>
Bitbucket Data Center       BBDC-<44 B>
Brevo                       xkeysib-<64 H>-<16 A>
Buildkite                   bkua_<40 L>
Cerebras                    csk-<48 L>
CircleCI                    CCIPAT_<22 A>_<40 H>
Clojars                     CLOJARS_<60 L>
Cloudflare origin CA        v1.0-<24 H>-<146 H>
Cloudflare user             cfut_<40 A><8 H>
Contentful                  CFPAT-<43 U>
Databricks assigned         DATABRICKS_TOKEN=dapi<32 H>
DeepSeek                    sk-<32 H>
DigitalOcean personal       dop_v1_<64 H>
DigitalOcean OAuth          doo_v1_<64 H>
DigitalOcean refresh        dor_v1_<64 H>
Discord webhook             https://discord.com/api/webhooks/<18 D>/<68 U>
Docker Hub                  dckr_pat_<27 U>
Docker organisation         dckr_oat_<32 U>
Doppler personal            dp.pt.<43 A>
Doppler service             dp.st.prod.<43 A>
Duffel                      duffel_live_<43 U>
Dynatrace                   dt0c01.<24 C>.<64 C>
E2B                         e2b_<40 H>
EasyPost                    EZAK<54 A>
ElevenLabs                  sk_<48 H>
Facebook                    EAAC<150 A>
Figma                       figd_<43 U>
Firecrawl                   fc-<32 H>
Fireworks                   fw_<24 A>
Flutterwave                 FLWSECK_TEST-<32 H>-X
Flutterwave encryption      FLWSECK_TEST-<12 H>
Flutterwave live            FLWSECK-<32 L>-X
Fly.io                      fo1_<43 U>
Fly.io macaroon             fm2_<140 B>
Frame.io                    fio-u-<64 U>
GitHub personal             ghp_<36 A>
GitHub OAuth                gho_<36 A>
GitHub user                 ghu_<36 A>
GitHub server               ghs_<36 A>
GitHub refresh              ghr_<76 A>
GitHub fine-grained         github_pat_<22 A>_<59 A>
GitLab personal             glpat-<20 U>
GitLab personal, routable   glpat-<27 U>.01.<9 L>
GitLab trigger              glptt-<40 H>
GitLab deploy               gldt-<20 U>
GitLab runner               glrt-<20 U>
GitLab runner, routable     glrt-t1_<27 U>.01.<9 L>
GitLab job                  glcbt-64_<20 U>
GitLab feed                 glft-<20 U>
GitLab mail                 glimt-<25 U>
GitLab agent                glagent-<50 U>
GitLab OAuth                gloas-<64 H>
GitLab SCIM                 glsoat-<20 U>
GitLab feature flags        glffct-<20 U>
Google API                  AIzaSy<33 U>
Google OAuth secret         GOCSPX-<28 U>
Google access token         ya29.<120 U>
Grafana service account     glsa_<32 A>_<8 H>
Grafana Cloud               glc_eyJ<110 B>
Grafana, of old             eyJrIjoi<90 A>
Groq                        gsk_<52 A>
Harness                     pat.<22 U>.<24 A>.<20 A>
Heroku                      HRKU-AA<58 U>
HubSpot                     pat-na1-{UUID}
Hugging Face                hf_<34 X>
Hugging Face organisation   api_org_<34 X>
Infracost                   ico-<32 A>
Intra 42                    s-s4t2ud-<64 H>
Jina                        jina_<32 H><28 U>
LangSmith                   lsv2_pt_<32 H>_<10 H>
LangSmith service           lsv2_sk_<32 H>_<10 H>
LaunchDarkly                api-{UUID}
LaunchDarkly SDK            sdk-{UUID}
Linear                      lin_api_<40 A>
LlamaCloud                  llx-<48 A>
Logfire                     pylf_v1_us_<44 A>
Mailchimp                   <32 H>-us12
Mailgun                     key-<32 L>
Mapbox                      sk.eyJ<70 A>.<22 U>
MaxMind                     <6 A>_<29 A>_mmk
New Relic                   NRAK-<27 C>
New Relic insert            NRII-<32 U>
New Relic query             NRIQ-<32 U>
Notion                      ntn_<46 A>
Notion, of old              secret_<43 A>
npm                         npm_<36 A>
NVIDIA                      nvapi-<64 U>
Octopus Deploy              API-<30 C>
OpenAI, of old              sk-<20 A>T3BlbkFJ<20 A>
OpenAI project              sk-proj-<74 U>T3BlbkFJ<74 U>
OpenAI service account      sk-svcacct-<58 U>T3BlbkFJ<58 U>
OpenAI admin                sk-admin-<58 U>T3BlbkFJ<58 U>
OpenRouter                  sk-or-v1-<64 H>
OpenShift                   sha256~<43 U>
Perplexity                  pplx-<48 A>
Pinecone                    pcsk_<6 A>_<63 A>
PlanetScale token           pscale_tkn_<43 U>
PlanetScale OAuth           pscale_oauth_<43 U>
PlanetScale password        pscale_pw_<43 U>
PostHog                     phx_<43 A>
Postman                     PMAK-<24 H>-<34 H>
Prefect                     pnu_<36 A>
Pulumi                      pul-<40 H>
PyPI                        pypi-AgEIcHlwaS5vcmc<120 U>
Ramp                        ramp_sec_<48 A>
Razorpay                    rzp_live_<14 A>
ReadMe                      rdme_<70 L>
Red Hat                     rh-api-{UUID}
Replicate                   r8_<37 A>
Resend                      re_<8 A>_<24 A>
Rootly                      rootly_<64 H>
RubyGems                    rubygems_<48 H>
Scalingo                    tk-us-<48 U>
SendGrid                    SG.<22 U>.<43 U>
Sentry user                 sntryu_<64 H>
Sentry organisation         sntrys_eyJpYXQiO<140 B>_<43 B>
SettleMint                  sm_pat_<16 A>
Shippo                      shippo_live_<40 H>
Shopify access              shpat_<32 H>
Shopify custom              shpca_<32 H>
Shopify private             shppa_<32 H>
Shopify shared              shpss_<32 H>
Shortcut                    shltm_<40 U>
Slack bot                   xoxb-<12 D>-<13 D>-<24 A>
Slack user                  xoxp-<12 D>-<12 D>-<13 D>-<32 H>
Slack legacy workspace      xoxa-2-<24 A>
Slack configuration         xoxe.xoxp-1-<166 C>
Slack refresh               xoxe-1-<146 C>
Slack app                   xapp-1-A<10 C>-<13 D>-<64 H>
Slack webhook               https://hooks.slack.com/services/T<8 C>/B<10 C>/<24 A>
Sourcegraph                 sgp_<16 H>_<40 H>
Square                      sq0atp-<22 U>
Square OAuth secret         sq0csp-<43 U>
Square production           EAAA<60 U>
Stripe                      sk_live_<99 A>
Stripe restricted           rk_test_<24 A>
Stripe webhook              whsec_<32 A>
Stripe payment intent       pi_<24 A>_secret_<25 A>
Supabase                    sbp_<40 H>
Supabase secret             sb_secret_<31 U>
Tailscale                   tskey-auth-<16 A>-<32 A>
Tavily                      tvly-dev-<32 A>
Teams webhook               https://contoso.webhook.office.com/webhookb2/{UUID}@{UUID}/IncomingWebhook/<32 H>/{UUID}
Terraform Cloud             <14 A>.atlasv1.<67 U>
Together                    tgp_v1_<43 U>
Typeform                    tfp_<43 W>
Vault service               hvs.<95 U>
Vault batch                 hvb.<160 U>
Voiceflow                   VF.DM.<24 H>.<16 A>
Voyage                      pa-<43 U>
xAI                         xai-<80 A>
Zoho                        1000.<32 H>.<32 H>
"""

# Secrets without a format, as settings give them a name.
NAMED = """
ADAFRUIT_API_KEY <32 L>; ALGOLIA_API_KEY <32 H>; ALIBABA_SECRET_KEY <30 L>; ASANA_CLIENT_SECRET <32 L>
AWS_SECRET_ACCESS_KEY <40 B>; BITTREX_SECRET_KEY <32 L>; BITBUCKET_CLIENT_SECRET <64 L>; CF_API_KEY <37 H>
CODECOV_TOKEN <32 L>; CO_API_KEY <40 A>; COINBASE_ACCESS_TOKEN <64 L>; CONFLUENT_SECRET_KEY <64 L>
CONTENTFUL_TOKEN <43 U>; DD_API_KEY <32 H>; DD_APP_KEY <40 H>; DISCORD_CLIENT_SECRET <32 A>; DRONE_TOKEN <32 L>
DROPBOX_API_SECRET <15 L>; ETSY_ACCESS_TOKEN <24 L>; FACEBOOK_APP_SECRET <32 H>; FASTLY_API_TOKEN <32 A>
FINNHUB_API_KEY <20 L>; FRESHBOOKS_TOKEN <64 L>; GITTER_ACCESS_TOKEN <40 L>; INTERCOM_API_KEY <60 A>
KRAKEN_PRIVATE_KEY <80 B>; KUCOIN_SECRET_KEY <36 H>; LINKEDIN_CLIENT_SECRET <16 A>; LOOKER_CLIENT_SECRET <24 L>
MATTERMOST_TOKEN <26 L>; MESSAGEBIRD_API_TOKEN <25 L>; MISTRAL_API_KEY <32 A>; NETLIFY_ACCESS_TOKEN <43 A>
NYTIMES_ACCESS_TOKEN <32 A>; OKTA_TOKEN <42 A>; PLAID_SECRET <30 H>; PRIVATEAI_API_KEY <32 L>; RAPIDAPI_KEY <50 A>
SENDBIRD_API_TOKEN <40 H>; SNYK_TOKEN <32 H>; SONAR_TOKEN <40 H>; SUMO_ACCESS_KEY <64 A>; TRAVIS_TOKEN <22 A>
TWITCH_CLIENT_SECRET <30 L>; TWITTER_ACCESS_SECRET <45 A>; TYPEFORM_TOKEN <59 A>; ZENDESK_SECRET <40 A>
cohere_api_key <40 A>; deepgram-api-key <40 H>; assemblyaiApiKey <32 H>; weaviate_api_key <36 A>; client_secret <32 A>
access_token <64 A>; x-api-key <32 H>; X-Auth-Token <40 A>; refresh_token <48 A>; auth_token <32 A>
"""
# How a setting is written where people and programs write it.
ASSIGNED = (
    "{name}={value}", "export {name}={value}\n", '{name} = "{value}"', "{name}: {value}", "{name}='{value}' run",
    "-H '{name}: {value}'", "Settings({name}='{value}', retries=3)", "https://api.example.com/v1?{name}={value}&page=2",
    "{{'{name}': '{value}'}}", '{{"{name}": "{value}"}}', "authorization: bearer {value}",
    "Authorization: Bearer {value}",
)  # fmt: skip

Random = random.Random
_PLACE = re.compile(r"<(\d+) (\w)>")


def made(form: str) -> Callable[[Random], str]:
    """What makes secrets of a format."""

    def make(r: Random) -> str:
        def some(place: re.Match[str]) -> str:
            return "".join(r.choices(ALPHABETS[place[2]], k=int(place[1])))

        return _PLACE.sub(some, form)

    return make


def shaped() -> dict[str, Callable[[Random], str]]:
    """By vendor, what makes its secrets."""
    rows = (re.split(r" {2,}", line) for line in SHAPED.strip().splitlines())
    return {name: made(form) for name, form in rows}


def named() -> dict[str, Callable[[Random], str]]:
    """By name of the setting, what makes values for it."""
    rows = (row.split() for row in re.split(r"[;\n]", NAMED.strip()))
    return {name: made(f"{size} {alphabet}") for name, size, alphabet in rows}
